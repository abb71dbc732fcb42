"""The tables that scoring stands on, read from ``signals.yaml`` and ``links.yaml`` and checked."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import SettingsError
from core.types import AlertClass, EntityType

_DIRECTORY = Path(__file__).parent


class Bond(StrEnum):
    """How two findings stand to each other, the strongest first."""

    STATED = "stated"
    JOINED = "joined"
    ADJACENT = "adjacent"
    SENTENCE = "sentence"
    NEARBY = "nearby"
    RELATED = "related"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignalRow(_Row):
    """What a signal is worth: always the same, by the bond of two findings, or from a count on."""

    group: str
    alert_class: AlertClass = Field(alias="class")
    points: int = 0
    points_by_bond: dict[Bond, int] = {}
    points_by_count: dict[int, int] = {}
    text: str


class Particular(_Row):
    """What an identifying entity type is called, with its article, and what it is worth."""

    name: str
    near: int
    linked: int


class Nearness(_Row):
    """How near is near, in characters and in words."""

    context_characters: int
    nearby_words: int
    nearby_characters: int
    stated_words: int
    stated_characters_before: int
    joined_words: int
    adjacent_words: int
    single_word_share: float


class SignalTable(_Row):
    """``signals.yaml``."""

    signals: dict[str, SignalRow]
    particulars: dict[EntityType, Particular]
    disguises: frozenset[str]
    look_alikes: frozenset[str]
    nearness: Nearness


class LinkTable(_Row):
    """``links.yaml``: phrases by what they say and by language."""

    identity: dict[str, tuple[str, ...]]
    joined: dict[str, tuple[str, ...]]
    particular: dict[str, tuple[str, ...]]
    relation: dict[str, tuple[str, ...]]
    negation: dict[str, tuple[str, ...]]


_Table = TypeVar("_Table", bound=BaseModel)


@cache
def signal_table() -> SignalTable:
    """Return the signals. Raises SettingsError naming what is wrong in the file."""
    return _read("signals.yaml", SignalTable)


@cache
def link_table() -> LinkTable:
    """Return the link phrases. Raises SettingsError naming what is wrong in the file."""
    return _read("links.yaml", LinkTable)


def _read(name: str, model: type[_Table]) -> _Table:
    try:
        return model.model_validate(yaml.safe_load((_DIRECTORY / name).read_text(encoding="utf-8")))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in error.errors())
        raise SettingsError(f"alerting/{name}: {wrong}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"alerting/{name} is not YAML: {type(error).__name__}") from None
