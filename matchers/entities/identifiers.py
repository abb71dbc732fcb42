"""Identifiers of persons: national, tax, health and driving numbers, passports, immigration numbers.

One cheap expression finds where groups of letters and digits stand; their shape (``aa999999a``) says which rows of
``identifiers.yaml`` may have written them, and so which layouts and check digits to try. A number counts by words of
context near it, or alone where its row says that hardly any other number passes for it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from core.types import Entity, FoldedText
from matchers.entities.context import ContextWords, ReadContext
from matchers.entities.gates import Gate
from matchers.entities.identifier_rules import IdentifierRule, identifier_table, shape
from matchers.entities.looking import LookedAt
from matchers.entities.tables import any_of
from matchers.words import everyday_words

_CHECKED_CONFIDENCE = 0.95
_OWN_WORD_CONFIDENCE = 0.9
_GROUP_WORD_CONFIDENCE = 0.82
_ELSEWHERE = "elsewhere"
# Labels stand together: "ID card (DNI)". Of words farther off than this, another one is nearer.
_SAME_LABEL = 25
_COUNTRY_REACH = 100
_MOST_PIECES = 8
_LONGEST = 24

_DIGIT = "[0-9٠-٩۰-۹०-९০-৯๐-๙]"
_SIX_DIGITS = rf"{_DIGIT}(?:[ ./-]{{0,3}}[a-z]{{0,2}}[ ./-]?{_DIGIT}){{5,}}"
# Of India: these count alone.
_TAX_NUMBERS = r"[a-z]{5}[0-9]{4}[a-z]"
_ASCII_DIGITS = {
    ord(sign): str(unicodedata.digit(sign))
    for first in "٠۰०০๐"
    for sign in map(chr, range(ord(first), ord(first) + 10))
}
# Groups of letters and digits with signs between them. A run begins where no other could, and every group is bounded,
# so that the time is linear in the text.
_PIECE = re.compile(r"[a-z0-9]+")
_BETWEEN = r"(?: - |[ #:./·(-]{1,2})"
_RUN_TO_DIGIT = re.compile(rf"(?<![a-z0-9])(?:[a-z]{{1,6}}{_BETWEEN}){{0,2}}[a-z]{{0,8}}\Z")
_LONGEST_TO_DIGIT = 2 * (6 + 3) + 8
_RUN_FROM_DIGIT = re.compile(
    rf"[0-9][a-z0-9]{{0,24}}(?:{_BETWEEN}(?:[a-z]{{0,6}}[0-9][a-z0-9]{{0,24}}|[a-z]{{1,3}}(?![a-z0-9])))*"
)
_DIGITS = re.compile("[0-9]+")

# A part of a longer number.
_IN_NUMBER_BEFORE = re.compile(r"(?<=[0-9][./-])[0-9]")
_IN_NUMBER_AFTER = re.compile(r"(?<=[0-9])[./-][0-9]")
# Parts of something longer: an address of the web, a number of another kind.
_JOINED_BEFORE = re.compile(r"[a-z0-9][./:@_=&%+~-]\Z|[@=&%]\Z")
_JOINED_AFTER = re.compile(r"[./:@_=&%+~-][a-z0-9]")


class _Shape:
    """The rows that may have written letters and digits of one shape: by whose words are their context, and alone."""

    def __init__(self) -> None:
        self.by_owner: dict[str, list[IdentifierRule]] = defaultdict(list)
        self.alone: list[IdentifierRule] = []

    def add(self, rule: IdentifierRule) -> None:
        for owner in rule.owners:
            self.by_owner[owner].append(rule)
        if rule.alone is not None:
            self.alone.append(rule)


class _Candidate(NamedTuple):
    """A place whose letters and digits have a shape that some rows know."""

    start: int
    end: int
    shape: _Shape


class _Reading(NamedTuple):
    """A row that a place fits, with the nearest of its words (None: it counts alone)."""

    rule: IdentifierRule
    distance: int | None
    by_own_word: bool

    @property
    def tells_country(self) -> bool:
        """Whether it could not be a number of elsewhere: words such as "passport" are of all countries."""
        return self.by_own_word or self.rule.alone is not None

    @property
    def rank(self) -> tuple[bool, int, bool, bool]:
        """The less, the likelier."""
        return self.distance is None, self.distance or 0, not self.by_own_word, self.rule.check is None


class IdentifierRecogniser:
    """Sees the identifiers of the table."""

    def __init__(self) -> None:
        table = identifier_table()
        self.gate = Gate(f"{_SIX_DIGITS}|{_TAX_NUMBERS}|{any_of(table.few_digits)}", reach=130, digitless="")
        self._patterns = {rule.name: re.compile(rule.pattern) for rule in table.identifiers}
        self._shapes: dict[str, _Shape] = defaultdict(_Shape)
        for rule in table.identifiers:
            for one in set(rule.shapes()):
                self._shapes[one].add(rule)
        self._words: ContextWords[str] = ContextWords(
            {
                **table.groups,
                **{rule.name: rule.words for rule in table.identifiers if rule.words},
                _ELSEWHERE: table.elsewhere,
            }
        )
        self._countries: ContextWords[str] = ContextWords(table.countries, _COUNTRY_REACH, _COUNTRY_REACH)

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield the identifiers in the stretches."""
        for stretch in stretches:
            text = _with_ascii_digits(stretch.folded.text)
            words: ReadContext[str] | None = None
            countries: ReadContext[str] | None = None
            for candidate in self._candidates(text, stretch.folded):
                words = words or self._words.read(stretch.folded)
                readings = self._readings(text, candidate, words)
                if not readings:
                    continue
                reading, country = readings[0], readings[0].rule.country
                if any(other.rule.country != country for other in readings) or not reading.tells_country:
                    countries = countries or self._countries.read(stretch.folded)
                    near = countries.distances(candidate.start, candidate.end)
                    reading = min(readings, key=lambda one: near.get(one.rule.country or "", math.inf))
                    country = reading.rule.country if reading.rule.country in near else None
                yield stretch, _entity(stretch, candidate, reading, country)

    def _candidates(self, text: str, folded: FoldedText) -> Iterator[_Candidate]:
        for run in _runs(text):
            pieces = [
                (*place, shape(piece[0]))
                for piece in _PIECE.finditer(text, *run)
                if not _is_word(folded, text, *(place := piece.span()))
            ]
            for first, (start, _, _) in enumerate(pieces):
                if _IN_NUMBER_BEFORE.match(text, start):
                    continue
                shapes = ""
                for _, end, one in pieces[first : first + _MOST_PIECES]:
                    shapes += one
                    if len(shapes) > _LONGEST:
                        break
                    if shapes in self._shapes and not _IN_NUMBER_AFTER.match(text, end):
                        # Of "A123456(7)" the last sign is no group.
                        is_open = text.startswith(")", end) and "(" in text[start:end]
                        yield _Candidate(start, end + is_open, self._shapes[shapes])

    def _readings(self, text: str, candidate: _Candidate, context: ReadContext[str]) -> list[_Reading]:
        """Return the likeliest readings of a candidate, all equally likely."""
        start, end, shape = candidate
        near = context.distances(start, end)
        if not near and not shape.alone:
            return []
        farthest = min(next(iter(near.values()), 0) + _SAME_LABEL, near.get(_ELSEWHERE, math.inf))
        readings = []
        for owner, distance in near.items():
            if distance > farthest:
                break
            for rule in shape.by_owner.get(owner, ()):
                if self._fits(rule, text, start, end):
                    readings.append(_Reading(rule, distance, owner == rule.name))
        if not readings and _ELSEWHERE not in near and _is_apart(text, start, end):
            readings = [_Reading(rule, None, False) for rule in shape.alone if self._fits(rule, text, start, end)]
        best = min((reading.rank for reading in readings), default=None)
        return [reading for reading in readings if reading.rank == best]

    def _fits(self, rule: IdentifierRule, text: str, start: int, end: int) -> bool:
        return bool(self._patterns[rule.name].fullmatch(text, start, end)) and rule.is_valid(text[start:end])


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the runs: from a digit on, and back to where they begin, as most words are near none."""
    end = 0
    for digits in _DIGITS.finditer(text):
        at = digits.start()
        before = _RUN_TO_DIGIT.search(text, max(at - _LONGEST_TO_DIGIT, end), at) if at >= end else None
        if before and (rest := _RUN_FROM_DIGIT.match(text, at)):
            end = rest.end()
            yield before.start(), end


def _entity(stretch: LookedAt, candidate: _Candidate, reading: _Reading, country: str | None) -> Entity:
    span = stretch.span(candidate.start, candidate.end)
    confidence = reading.rule.alone or 0.0
    if reading.distance is not None:
        with_word = _OWN_WORD_CONFIDENCE if reading.by_own_word else _GROUP_WORD_CONFIDENCE
        confidence = max(confidence, _CHECKED_CONFIDENCE if reading.rule.check else with_word)
    return Entity(
        type=reading.rule.type,
        span=span,
        found=stretch.found(span),
        confidence=confidence,
        recogniser=reading.rule.name if country == reading.rule.country else reading.rule.type.lower(),
        country=country,
    )


def _with_ascii_digits(text: str) -> str:
    return text if text.isascii() else text.translate(_ASCII_DIGITS)


def _is_apart(text: str, start: int, end: int) -> bool:
    return not (_JOINED_BEFORE.search(text, max(start - 2, 0), start) or _JOINED_AFTER.match(text, end))


def _is_word(folded: FoldedText, text: str, start: int, end: int) -> bool:
    """Return whether a group is an everyday word rather than letters of an identifier: these are written in capitals,
    and № is no word."""
    word = text[start:end]
    if word not in everyday_words():
        return False
    original = folded.original[folded.starts[start] : folded.ends[end - 1]]
    return original.lower() == word and not original.isupper()
