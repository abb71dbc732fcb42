"""Where the findings of one document stand to each other: order, distance in words, sentences, link phrases."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from alerting.signals import Bond, link_table, signal_table
from core.types import Document, FieldName, Span

LinkKind = Literal["identity", "joined", "particular", "relation", "negation"]
_KINDS: tuple[LinkKind, ...] = get_args(LinkKind)
"""The keys of ``links.yaml``. A phrase that stands under two of them is of the first."""

_WORD = re.compile(r"\w+")
# Scripts that are written without spaces: every character counts.
_UNSPACED = r"\u0e00-\u0e7f\u2e80-\u9fff\uf900-\ufaff"
_COUNTED_WORD = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]|(?<=\w)['’](?=\w))+")
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[。！？؟]|\n\s*\n")
_FIRST_EAST_ASIAN = "\u2e80"
_TITLE_END = "\n\n"
_MARGIN = 100
"""Characters around what is read: a word or a phrase may be cut at the edge."""
_AXES: Mapping[FieldName, int] = {"title": 0, "text": 0, "author": 1, "url": 2}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A stretch of a document on one of three axes: title and text in a row, the author, the URL."""

    axis: int
    start: int
    end: int

    def overlaps(self, other: Place) -> bool:
        """Return whether the two share a character."""
        return self.axis == other.axis and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Link:
    """How two places stand to each other. ``words`` counts to the other's first word; ``before`` says
    that the first place comes first; ``phrase`` is the joining phrase of ``links.yaml``; ``particular``
    says that a phrase of any kind ties a particular to a person."""

    bond: Bond
    words: int
    before: bool
    phrase: str | None
    particular: str | None


class Layout:
    """The words, sentences and link phrases around some spans of a document: all that links to them stands there."""

    def __init__(self, document: Document, spans: Iterable[Span]) -> None:
        title = document.title or ""
        self._text_offset = len(title) + len(_TITLE_END) if title else 0
        running = f"{title}{_TITLE_END}{document.text}" if title else document.text
        nearness = signal_table().nearness
        reach = Reach(map(self.place, spans), nearness.nearby_characters + nearness.stated_characters_before + _MARGIN)
        self._words: list[int] = []
        self._sentence_ends: list[int] = []
        self._phrases: dict[str, tuple[list[int], list[int], list[str]]] = {kind: ([], [], []) for kind in _KINDS}
        for stretch in reach.stretches:
            if stretch.axis == 0:
                start = max(stretch.start, 0)
                self._read(running[start : stretch.end], start)

    def _read(self, text: str, offset: int) -> None:
        self._words.extend(offset + word.start() for word in _WORD.finditer(text))
        self._sentence_ends.extend(offset + end.start() for end in _SENTENCE_END.finditer(text))
        pattern, kinds = _phrases()
        for found in pattern.finditer(_plain(text)):
            kind, phrase = kinds[" ".join(found.group().split())]
            starts, ends, phrases = self._phrases[kind]
            starts.append(offset + found.start())
            ends.append(offset + found.end())
            phrases.append(phrase)

    def place(self, span: Span) -> Place:
        """Return where the span stands."""
        offset = self._text_offset if span.field == "text" else 0
        return Place(_AXES[span.field], span.start + offset, span.end + offset)

    def link(self, one: Place, other: Place) -> Link | None:
        """Return how the two stand to each other, None where they overlap or have nothing to do with each other."""
        nearness = signal_table().nearness
        if one.axis != other.axis or one.axis != 0 or one.overlaps(other):
            return None
        first, second = sorted((one, other))
        words = bisect_left(self._words, second.start) - bisect_left(self._words, first.end) + 1
        if words > nearness.nearby_words or second.start - first.end > nearness.nearby_characters:
            return None
        gap = (first.end, second.start)
        ends = self._sentence_ends[bisect_left(self._sentence_ends, gap[0]) : bisect_left(self._sentence_ends, gap[1])]
        together = not ends
        negated = self._phrase("negation", ends[-1] if ends else gap[0], gap[1])
        stated = None
        if words <= nearness.stated_words:
            before = (first.start - nearness.stated_characters_before, first.start)
            stated = self._phrase("identity", *gap) or self._phrase("identity", *before)
        joined = self._phrase("joined", *gap) if together and words <= nearness.joined_words else None
        phrase: str | None = None
        if negated:
            bond = Bond.RELATED
        elif stated:
            bond, phrase = Bond.STATED, stated
        elif self._phrase("relation", *gap):
            bond = Bond.RELATED
        elif joined:
            bond, phrase = Bond.JOINED, joined
        elif together and words <= nearness.adjacent_words:
            bond = Bond.ADJACENT
        else:
            bond = Bond.SENTENCE if together else Bond.NEARBY
        particular = None if negated else self._phrase("particular", *gap) or phrase
        return Link(bond, words, one < other, phrase, particular)

    def _phrase(self, kind: LinkKind, start: int, end: int) -> str | None:
        """Return the last phrase of the kind that stands wholly between the two offsets: it is about what follows."""
        starts, ends, phrases = self._phrases[kind]
        position = bisect_right(ends, end) - 1
        return phrases[position] if position >= 0 and starts[position] >= start else None


class Reach:
    """Everything within a number of characters of some places: ``stretches``, in order and apart from each other."""

    def __init__(self, places: Iterable[Place], characters: int) -> None:
        self.stretches: list[Place] = []
        for place in sorted(Place(place.axis, place.start - characters, place.end + characters) for place in places):
            last = self.stretches[-1] if self.stretches else None
            if last is not None and last.overlaps(place):
                self.stretches[-1] = Place(last.axis, last.start, max(last.end, place.end))
            else:
                self.stretches.append(place)

    def touches(self, place: Place) -> bool:
        """Return whether some of the place is within reach."""
        after = bisect_left(self.stretches, Place(place.axis, place.end, 0))
        return after > 0 and self.stretches[after - 1].overlaps(place)


def word_count(text: str) -> int:
    """Return how many words a person would count in the text."""
    return sum(1 for _ in _COUNTED_WORD.finditer(text))


@cache
def _phrases() -> tuple[re.Pattern[str], Mapping[str, tuple[LinkKind, str]]]:
    """Return one pattern for all phrases, the longest first, and what each of them says."""
    kinds: dict[str, tuple[LinkKind, str]] = {}
    for kind in _KINDS:
        languages: Mapping[str, tuple[str, ...]] = getattr(link_table(), kind)
        for phrases in languages.values():
            for phrase in phrases:
                kinds.setdefault(_plain(phrase), (kind, phrase))
    longest_first = sorted(kinds, key=len, reverse=True)
    worded = [_spaced(phrase) for phrase in longest_first if phrase[0].isalnum() and phrase[0] < _FIRST_EAST_ASIAN]
    others = [_spaced(phrase) for phrase in longest_first if not phrase[0].isalnum() or phrase[0] >= _FIRST_EAST_ASIAN]
    return re.compile(rf"(?<!\w)(?:{'|'.join(worded)})(?!\w)|{'|'.join(others)}"), kinds


def _spaced(phrase: str) -> str:
    return r"\s+".join(map(re.escape, phrase.split()))


def _plain(text: str) -> str:
    """Return the text in lower case with straight apostrophes, character for character."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(one.lower() if len(one.lower()) == 1 else one for one in text)
    return lowered.replace("’", "'")
