"""The tables that scoring stands on, read from ``signals.yaml`` and ``links.yaml`` and checked."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import SettingsError
from core.tables import load_table
from core.types import AlertClass, EntityType

_DIRECTORY = Path(__file__).parent


class Bond(StrEnum):
    """How two findings stand to each other, the strongest first."""

    STATED = "stated"
    LISTED = "listed"
    JOINED = "joined"
    INDICATED = "indicated"
    JUDGED = "judged"
    ADJACENT = "adjacent"
    SENTENCE = "sentence"
    NEARBY = "nearby"
    RELATED = "related"


TIES = frozenset({Bond.STATED, Bond.LISTED, Bond.JOINED, Bond.INDICATED, Bond.JUDGED})
"""The bonds that join a pseudonym with an identity."""


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
    """What an identifying entity type is called, with its article, and what it is worth. ``beside``: right beside a
    pseudonym it counts as linked."""

    name: str
    near: int
    linked: int
    beside: bool = False


class PackRow(_Row):
    """What words of a topic pack make of an alert."""

    alert_class: AlertClass = Field(alias="class")
    points: int


class PlaceRow(_Row):
    """What a place on the internet is worth, and what it is."""

    points: int
    says: str


class Nearness(_Row):
    """How near is near, in characters and in words, and how new is new."""

    context_characters: int
    nearby_words: int
    nearby_characters: int
    words_around: int
    login_characters: int
    fresh_hours: int


class SpreadRow(_Row):
    """How many points an incident gets from so many sites on, unless all it has is of the classes left out."""

    points_by_sites: dict[int, int]
    not_for: frozenset[AlertClass]


class JudgeRow(_Row):
    """How likely the judge must hold it that two belong together: to join them where no construction tells, to join
    them where one takes them for ordinary talk, and not to part them where one joins them. It is asked about
    particulars that are worth so many points when linked. And how likely that a text gives a pseudonym away at all."""

    asked_from_points: int
    joins_from: float
    joins_against_talk_from: float
    denies_below: float
    gives_away_from: float


class SignalTable(_Row):
    """``signals.yaml``."""

    signals: dict[str, SignalRow]
    identifying: frozenset[str]
    particulars: dict[EntityType, Particular]
    words_nearby: dict[str, str]
    packs: dict[str, PackRow]
    places: dict[str, PlaceRow]
    disguises: frozenset[str]
    look_alikes: frozenset[str]
    single_word_share: float
    public_name_share: float
    nearness: Nearness
    judge: JudgeRow
    spread: SpreadRow


class LinkKind(_Row):
    """What phrases say, their sign, and the phrases by language."""

    sign: str = Field(min_length=1, max_length=1)
    says: str
    phrases: dict[str, tuple[str, ...]]


class LinkTable(_Row):
    """``links.yaml``: phrases by what they say and by language, and the labels of lists by what stands after them."""

    kinds: dict[str, LinkKind]
    labels: dict[str, tuple[str, ...]]


class _PublicNames(_Row):
    public: dict[str, tuple[str, ...]]


class _Construction(_Row):
    bond: Bond
    signs: str
    why: str


class _Constructions(_Row):
    pieces: dict[str, str]
    constructions: tuple[_Construction, ...]
    of_the_author: tuple[str, ...]


_Table = TypeVar("_Table", bound=BaseModel)


@cache
def signal_table() -> SignalTable:
    """Return the signals. Raises SettingsError naming what is wrong in the file."""
    return read_table("signals.yaml", SignalTable)


def spread_points(alert_class: AlertClass, site_count: int) -> int:
    """Return how many points an incident of the class gets for standing on so many sites."""
    spread = signal_table().spread
    if alert_class in spread.not_for:
        return 0
    return max((points for count, points in spread.points_by_sites.items() if count <= site_count), default=0)


@cache
def link_table() -> LinkTable:
    """Return the link phrases. Raises SettingsError naming what is wrong in the file."""
    return read_table("links.yaml", LinkTable)


@cache
def public_names() -> frozenset[str]:
    """Return the names of ``public_names.yaml``. Raises SettingsError naming what is wrong in the file."""
    return frozenset(name for names in read_table("public_names.yaml", _PublicNames).public.values() for name in names)


@cache
def constructions() -> tuple[tuple[re.Pattern[str], Bond], ...]:
    """Return the patterns of ``constructions.yaml`` with their bonds, in order. Raises SettingsError naming what is
    wrong in the file."""
    return tuple((_pattern(row.signs), row.bond) for row in _construction_table().constructions)


@cache
def author_constructions() -> tuple[re.Pattern[str], ...]:
    """Return the patterns of ``constructions.yaml`` by which an author gives their own name. Raises as
    :func:`constructions`."""
    return tuple(_pattern(signs) for signs in _construction_table().of_the_author)


@cache
def _construction_table() -> _Constructions:
    return read_table("constructions.yaml", _Constructions)


def _pattern(signs: str) -> re.Pattern[str]:
    whole = signs
    for name, piece in _construction_table().pieces.items():
        whole = whole.replace(f"{{{name}}}", f"(?:{piece})")
    try:
        return re.compile(whole, re.VERBOSE)
    except re.error as error:
        raise SettingsError(f"alerting/constructions.yaml: “{signs}”: {error}") from None


def read_table(name: str, model: type[_Table]) -> _Table:
    """Return what a YAML file of this room holds. Raises SettingsError naming what is wrong in the file."""
    try:
        return model.model_validate(load_table(_DIRECTORY / name))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in error.errors())
        raise SettingsError(f"alerting/{name}: {wrong}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"alerting/{name} is not YAML: {type(error).__name__}") from None
