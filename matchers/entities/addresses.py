"""Street addresses in running text and in blocks of lines, as they are written in many countries.

What is looked for stands in ``addresses.yaml``: the forms of a street's line, and of the parts that may follow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from core.types import Entity, EntityType
from matchers.entities.address_forms import Choice, Form, FormReader
from matchers.entities.address_words import AddressWords, Reading
from matchers.entities.context import ContextWords, ReadContext
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt
from matchers.entities.tables import own_table

_DIGIT = re.compile(r"\d")
_LEAST_CONFIDENCE = 0.5
_MOST_PARTS = 12
# Forms that are less sure only hint at a street.
_LEAST_OF_STREETS = 0.3
_CONTEXT_BEFORE, _CONTEXT_AFTER = 30, 12
_HIGHEST_CONFIDENCE = 0.97
_LONGEST_WORD = 40
# The lists whose words tell of a street wherever they stand.
_STREETS = ("after", "after_weak", "before", "before_weak", "first", "first_weak", "numbered", "alone", "corner")
_GOES_ON = re.compile(r"['-][^\W\d_]")
_WORD_TO_END = re.compile(r"(?<![^\s(])[^\W\d_]+\Z")


class _Address(NamedTuple):
    first: int
    end: int
    confidence: float
    form: Form
    street_end: int


class AddressRecogniser:
    """Sees street addresses and post office boxes."""

    def __init__(self) -> None:
        self._rules = _rules()

    @property
    def gate(self) -> Gate:
        """A word of streets, flats, boxes or postcodes."""
        return self._rules.gate

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield the addresses in the stretches, apart from each other, each from its first part to its last."""
        for stretch in stretches:
            for start, end, confidence, recogniser, country in self._rules.find(stretch):
                span = stretch.span(start, end)
                yield (
                    stretch,
                    Entity(
                        type=EntityType.ADDRESS,
                        span=span,
                        found=stretch.found(span),
                        confidence=round(confidence, 2),
                        recogniser=recogniser,
                        country=country,
                    ),
                )


class _Rules:
    def __init__(self, rules: dict[str, Any], places: dict[str, Any]) -> None:
        self._words = AddressWords(rules, places)
        kinds = self._words.kinds
        self._small, self._line = kinds["small"], kinds["line"]
        reader = FormReader(kinds, rules["forms"])
        streets = [reader.form(row) for row in rules["streets"]]
        self._any_street = Choice(streets)
        self._streets = Choice(form for form in streets if form.confidence >= _LEAST_OF_STREETS)
        self._hints = Choice(form for form in streets if form.confidence < _LEAST_OF_STREETS)
        parts = [reader.form(row) for row in rules["parts"]]
        self._parts = Choice(form for form in parts if not form.is_loose)
        self._parts_after_postcode = Choice(form for form in parts if not form.is_loose and not form.is_postcode)
        self._loose_parts = Choice(form for form in parts if form.is_loose)
        self._number_before = re.compile(reader.expression("(line | colon) (few | four | five)"))
        self._separator = re.compile(reader.expression("separator"))
        self._context = ContextWords(
            {"address": [phrase for row in rules["context"] for phrase in row]}, _CONTEXT_BEFORE, _CONTEXT_AFTER
        )
        self._context_confidence: float = rules["context_confidence"]
        self._most_doubt_in_context: float = 1 - rules["least_confidence_in_context"]
        self._unspaced = [(row["name"], row["country"], row["confidence"], re.compile(row["pattern"]))
                          for row in rules["unspaced"]]  # fmt: skip
        self._bare_endings = frozenset(self._words.endings).difference(self._words.words_of(*_STREETS))
        self._dwelling = re.compile(rf"\b(?:{_any(self._words.words_of('dwelling'))})\b")
        self.gate = self._gate()

    def find(self, stretch: LookedAt) -> Iterator[tuple[int, int, float, str, str | None]]:
        text = stretch.folded.text
        if not _DIGIT.search(text) and not self._dwelling.search(text):
            return
        for name, country, confidence, pattern in () if text.isascii() else self._unspaced:
            for place in pattern.finditer(text):
                yield (*place.span(), confidence, name, country)
        reading = self._words.read(stretch.folded)
        context: ReadContext[str] | None = None
        last_end = 0
        for first in self._any_street.starts(reading.letters):
            if first < last_end or not _may_start(text, reading.starts[first]):
                continue
            if context is None:
                context = self._context.read(stretch.folded)
            address = self._surest(reading, first, context)
            if address.confidence < _LEAST_CONFIDENCE or self._gives_way(reading, address, context):
                continue
            last_end = address.end
            first = self._with_number_before(reading.letters, first)
            start, end = reading.starts[first], reading.ends[address.end - 1]
            if text[end - 1] == "." and text[end : end + 1] not in (",", ";", ")"):
                end -= 1
            country = self._words.country(reading, first, address.street_end, address.end)
            yield start, end, address.confidence, f"address_{address.form.name}", country

    def _with_number_before(self, letters: str, first: int) -> int:
        """Return the token where an address begins: the number before it at a line's start or after a colon, which
        some programs write before every address."""
        return first - 1 if first >= 2 and self._number_before.match(letters, first - 2) else first

    def _gives_way(self, reading: Reading, address: _Address, context: ReadContext[str]) -> bool:
        """Return whether a surer address begins among the words of this one's street."""
        return address.form.yields and any(
            self._any_street.first(reading.letters, at)
            and self._surest(reading, at, context).confidence > address.confidence
            for at in range(address.first + 1, address.street_end)
        )

    def _surest(self, reading: Reading, first: int, context: ReadContext[str]) -> _Address:
        """Return the surest address that begins at a token, of those as sure the longest; where no street is, what
        hints at one."""
        ones = []
        choice = self._streets if self._streets.first(reading.letters, first) else self._hints
        for form, street_end in choice.every(reading.letters, first):
            # Many forms end alike.
            if street_end not in reading.parts_after:
                reading.parts_after[street_end] = self._parts_after(reading.letters, street_end)
            end, shares = reading.parts_after[street_end]
            doubt = 1 - form.confidence
            for share in shares:
                doubt *= share
            if doubt <= self._most_doubt_in_context and context.nearest(reading.starts[first], reading.ends[end - 1]):
                doubt *= 1 - self._context_confidence
            ones.append(_Address(first, end, min(1 - doubt, _HIGHEST_CONFIDENCE), form, street_end))
        return max(ones, key=lambda one: (one.confidence, one.end))

    def _parts_after(self, letters: str, end: int) -> tuple[int, tuple[float, ...]]:
        """Return where the parts after a street end, and what share of the doubt each of them leaves."""
        street_end = at = end
        parts = self._parts
        shares: list[float] = []
        for _ in range(_MOST_PARTS):
            part = parts.first(letters, at) or self._street_after(letters, at)
            if part is not None:
                form, at = part
                end = at
                shares.append(1 - form.confidence)
                if form.is_postcode:
                    parts = self._parts_after_postcode
            elif (loose := self._loose_parts.first(letters, at)) is not None:
                form, after = loose
                # A town's name right after the street counts by itself where the text does not go on with it.
                if (
                    at == street_end
                    and form.confidence
                    and letters[at] not in self._line
                    and (after == len(letters) or letters[after] not in self._small)
                ):
                    end = after
                    shares.append(1 - form.confidence)
                at = after
            else:
                break
        return end, tuple(shares)

    def _street_after(self, letters: str, at: int) -> tuple[Form, int] | None:
        separator = self._separator.match(letters, at)
        return None if separator is None else self._streets.first(letters, separator.end())

    def _may_be_street(self, text: str, start: int, end: int) -> bool:
        """Return whether a place is no ending of an ordinary word, nor one within a word."""
        if text[start:end] not in self._bare_endings:
            return True
        if _GOES_ON.match(text, end):
            return False
        word = _WORD_TO_END.search(text, max(start - _LONGEST_WORD, 0), end)
        return word is None or self._words.ends_street(word[0])

    def _gate(self) -> Gate:
        """Return a gate of the words of which every address holds one, those of streets anywhere, the briefer ones of
        flats and boxes before a number; or of a postcode."""
        streets = self._words.words_of(*_STREETS)
        between = sorted(set(self._words.words_of("between")).difference(streets))
        numbered = self._words.words_of("unit", "box", "military", "at_the", "dotted")
        labels = self._words.words_of("address_word", "postcode_name")
        before_number = r"(?:(?:[.:]\s?|\s)(?:no\.?\s?)?[\d#]|#)"
        number_labels = _any(self._words.words_of("number_label"))
        return Gate(
            "|".join(
                (
                    rf"\b(?:{_any(word for word in streets if word.isascii())})\b",
                    rf"\b(?:{_any(filter(str.isascii, between))})[\s.:#]*(?:(?:{number_labels})[\s.:#]*){{0,2}}\d",
                    rf"\b(?:{_any(filter(str.isascii, labels))})(?:\s*:|\s+(?:{_any(self._words.words_of('is'))})\b)",
                    rf"\b(?:{_any(word for word in numbered if word.isascii())}){before_number}",
                    rf"\b(?:{_any(self._words.words_of('dotted'))})\.\s?\pL",
                    rf"(?:{_any(word for word in (*streets, *between, *labels) if not word.isascii())})",
                    rf"(?:{_any(self._words.endings)})\b",
                    r"\b(?:\d{5,6}|\d{2}-\d{3})\b|\bc/\s",
                    r"[路街道巷弄胡同都府県区]",
                )
            ),
            reach=60,
            counts=self._may_be_street,
            digitless=rf"{self._dwelling.pattern}\s(?:{_any(self._words.words_of('preposition'))})\b",
        )


def _any(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, words))


def _may_start(text: str, at: int) -> bool:
    return at == 0 or text[at - 1] not in "@_/\\-=.+"


@cache
def _rules() -> _Rules:
    return _Rules(own_table("addresses.yaml"), own_table("addresses_places.yaml"))
