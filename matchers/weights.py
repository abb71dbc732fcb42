"""The weights of the judgement, as ``matchers/judgement.yaml`` gives them. What each means is told there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from core.tables import load_table
from core.types import Sensitivity


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Typos(_Row):
    one_from: int
    two_from: int


class Letters(_Row):
    digit_or_sign: float
    look_alike: float
    letter_group: float
    repeated: float
    repeated_again: float


class Slips(_Row):
    any: float
    easy_letter: float
    other_letter: float


class Separators(_Row):
    other_sign: float
    between_letters: float
    between_words: float
    elsewhere: float


class Glued(_Row):
    at_all: float
    known_word: float
    number: float
    digit: float
    cut_number: float
    words: float
    letters: float
    letter: float


class Weights(_Row):
    """All that ``judgement.yaml`` holds."""

    least_odds: Mapping[Sensitivity, float]
    typos: Typos
    letters: Letters
    masked: float
    slips: Slips
    separators: Separators
    glued: Glued
    glue: frozenset[str]
    letter_groups: Mapping[str, str]
    keyboard: tuple[str, ...]
    like_sounds: tuple[str, ...]


@cache
def weights() -> Weights:
    """Return the weights, read once."""
    return Weights.model_validate(load_table(files("matchers") / "judgement.yaml"))
