"""The pieces that evidence is made of: a match that counts, and what a piece of evidence is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from alerting.places import Place
from alerting.reading import plain
from alerting.signals import public_names, signal_table
from core.types import AlertClass, Entity, Match, Signal, Span, Term, TermKind

MEMBER_KINDS = frozenset({TermKind.PSEUDONYM, TermKind.NAME})
"""The kinds of terms that stand for somebody."""
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Sighted:
    """A match that counts, with its term and its place."""

    match: Match = field(repr=False)
    term: Term
    place: Place

    @property
    def member(self) -> tuple[str, str]:
        """Whom the term stands for: a person of several terms, or the one behind the term."""
        person = self.term.settings.person
        return ("term", self.term.id) if person is None else ("person", person)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What makes a signal, what it counts towards, and the entity or the match of another watchlist behind it. Many
    pieces of evidence make few signals, so a signal's sentence is put together from ``words`` where it is asked for."""

    name: str
    group: str
    alert_class: AlertClass
    points: int
    spans: tuple[Span, ...]
    entity: Entity | None = field(default=None, repr=False)
    matches: tuple[Match, ...] = field(default=(), repr=False)
    words: Mapping[str, object] = field(default_factory=dict)
    about: str | None = None

    @property
    def signal(self) -> Signal:
        """The signal with its sentence."""
        text = signal_table().signals[self.name].text.format(**self.words)
        return Signal(name=self.name, points=self.points, text=text, spans=self.spans, about=self.about)


def evidence(
    name: str,
    certainty: float,
    spans: Iterable[Span],
    *,
    points: int | None = None,
    subgroup: str = "",
    alert_class: AlertClass | None = None,
    entity: Entity | None = None,
    matches: tuple[Match, ...] = (),
    words: Mapping[str, object] | None = None,
    about: str | None = None,
) -> Evidence:
    """Return the evidence for the signal of that name, with its points and class from ``signals.yaml`` unless others
    are given. ``certainty`` (0 to 1) is the share of the points that counts."""
    row = signal_table().signals[name]
    full = row.points if points is None else points
    return Evidence(
        name=name,
        group=f"{row.group} {subgroup}",
        alert_class=alert_class or row.alert_class,
        points=int(full * certainty + 0.5),
        spans=tuple(spans),
        entity=entity,
        matches=matches,
        words=words or {},
        about=about,
    )


def points_by_count(name: str, count: int) -> int:
    """Return what a signal of ``signals.yaml`` is worth from so many on."""
    points = signal_table().signals[name].points_by_count
    return max((points for smallest, points in points.items() if count >= smallest), default=0)


@lru_cache(maxsize=_REMEMBERED)
def name_share(name: str) -> float:
    """Return the share of a person's points that a name gets as written: less for one word, which is a forename at
    most, and for the names that everybody talks about."""
    table = signal_table()
    known = plain(name).strip(" .")
    if known in public_names():
        return table.public_name_share
    is_single = len(name.split()) == 1 and name.lower() != name.upper()
    return table.single_word_share if is_single else 1.0
