"""How the findings of one document stand to each other."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from alerting.places import RUNNING_TEXT, Place, Reach, RunningText
from alerting.reading import Reading
from alerting.records import Records, Together
from alerting.signals import Bond, author_constructions, constructions, signal_table
from core.types import Document, Span

Role = Literal["H", "P", "E"]
"""What a finding is in ``constructions.yaml``: a pseudonym, a person, a particular."""

_WORD = re.compile(r"\w+")
_SIGNS_AROUND = 14
_JOINING = "phezxlmq=>S"
"""The signs of phrases that may be named as what joins two findings."""
_ENDS = re.compile(r"[.?NT]")
_MARGIN = 100
"""Characters around what is read: a word or a phrase may be cut at the edge."""
_LONGEST_NEIGHBOUR = 200
_PARTING = re.compile(r"[.!?…](?=\s)|[\n。！？]")
_QUOTES = frozenset("\"'`“”„«»‘’「」『』")
_REMEMBERED = 65_536


@dataclass(frozen=True, slots=True)
class Link:
    """How two places stand to each other. ``words`` counts to the other's first word; ``before`` says that the first
    place comes first; ``phrase`` is what joins them, as ``links.yaml`` has it."""

    bond: Bond
    words: int
    before: bool
    phrase: str | None = None


class Layout:
    """The words, phrases, lists and tables around some spans of a document: all that links to them stands there."""

    def __init__(self, document: Document, spans: Iterable[Span]) -> None:
        self._running = RunningText(document)
        self._nearness = signal_table().nearness
        # A member who is the author is spoken of at the beginning.
        places = [
            place if place.axis == RUNNING_TEXT else Place(RUNNING_TEXT, 0, 0) for place in map(self.place, spans)
        ]
        stretches = Reach(places, self._nearness.nearby_characters + 2 * _MARGIN).stretches
        text = self._running.text
        self._reading = Reading(text, self._running.title_end, stretches)
        self._records = Records(text)
        self._words = [word.start() for one in stretches for word in _WORD.finditer(text, max(one.start, 0), one.end)]

    @property
    def text(self) -> str:
        """The title and the text in a row, which places on the axis ``RUNNING_TEXT`` count through."""
        return self._running.text

    def place(self, span: Span) -> Place:
        """Return where the span stands."""
        return self._running.place(span)

    def is_called(self, place: Place) -> bool:
        """Return whether signs right around the place say that somebody is called so: ``@``, ``u/``, quotes."""
        if place.axis != RUNNING_TEXT:
            return True
        before, after = self.text[max(place.start - 1, 0) : place.start], self.text[place.end : place.end + 1]
        is_whole = not after.isalnum() and after not in ("_", "-")
        return (before in ("@", "/") and is_whole) or (before in _QUOTES and after in _QUOTES)

    def is_parted(self, one: Place, other: Place) -> bool:
        """Return whether a sentence or a line ends between the two."""
        first, second = sorted((one, other))
        return _PARTING.search(self.text, first.end, second.start) is not None

    def surroundings(self, place: Place) -> tuple[int, int]:
        """Return from where to where something may start that has to do with the place."""
        if place.axis == RUNNING_TEXT and (row := self._records.row(place)) is not None:
            return row
        characters = self._nearness.nearby_characters
        return place.start - characters - _LONGEST_NEIGHBOUR, place.end + characters

    def link(self, one: Place, role: Role, other: Place, other_role: Role) -> Link | None:
        """Return how the two stand to each other, None where they overlap or have nothing to do with each other."""
        if one.axis != other.axis or one.axis != RUNNING_TEXT or one.overlaps(other):
            return None
        first, second = sorted((one, other))
        words = bisect_left(self._words, second.start) - bisect_left(self._words, first.end) + 1
        if words > self._nearness.nearby_words or second.start - first.end > self._nearness.nearby_characters:
            return None
        together = self._records.together(one, other, "particular" if other_role == "E" else "person")
        if together is Together.APART:
            return None
        if together is Together.ONE:
            return Link(Bond.LISTED, words, one < other)
        if together is Together.OTHERWISE:
            return Link(Bond.RELATED, words, one < other)
        signs = self._reading.signs
        start, end = self._reading.between(first.end, second.start)
        before, after = self._around(first, second)
        roles = (role, other_role) if one < other else (other_role, role)
        bond = _bond(f"{before}{roles[0]}{signs[start:end]}{roles[1]}{after}")
        phrase = None
        if bond in (Bond.STATED, Bond.JOINED):
            phrase = (
                self._reading.last_phrase(start, end, _JOINING)
                or self._reading.last_phrase(start - len(before), start, _JOINING)
                or self._reading.last_phrase(end, end + len(after), _JOINING)
            )
        return Link(bond, words, one < other, phrase)

    def is_named_by_author(self, person: Place) -> bool:
        """Return whether the person's name stands where authors give their own."""
        before, after = self._around(person, person)
        signs = f"{before}P{after}"
        return any(pattern.search(signs) for pattern in author_constructions())

    def _around(self, first: Place, second: Place) -> tuple[str, str]:
        """Return the signs right before the first and right after the second."""
        end = self._reading.between(0, first.start)[1]
        start = self._reading.between(second.end, second.end)[0]
        signs = self._reading.signs
        return signs[max(0, end - _SIGNS_AROUND) : end], signs[start : start + _SIGNS_AROUND]

    def signs_around(self, place: Place) -> frozenset[str]:
        """Return the signs of the words right before and after a place."""
        if place.axis != RUNNING_TEXT:
            return frozenset()
        around = self._nearness.words_around
        before = self._reading.between(0, place.start)[1]
        after = self._reading.between(place.end, place.end)[0]
        signs = self._reading.signs
        return frozenset(signs[max(0, before - around) : before] + signs[after : after + around])


@lru_cache(maxsize=_REMEMBERED)
def _bond(signs: str) -> Bond:
    """Return the bond of the first construction that the signs hold."""
    for pattern, bond in constructions():
        if pattern.search(signs):
            return bond
    between = re.split("[HPE]", signs)[1]
    return Bond.NEARBY if _ENDS.search(between) else Bond.SENTENCE
