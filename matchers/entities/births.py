"""Dates of birth and ages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.types import EntityType
from matchers.entities.context import ContextWords, ReadContext
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt, Seen, TextRecogniser
from matchers.entities.tables import any_of, own_table
from matchers.patterns import Pattern
from matchers.phrases import UNSPACED
from matchers.words import is_name

_DATE_CONFIDENCE = 0.9
_PART_CONFIDENCE = 0.7
"""Of a year alone, or a day without its year."""
_AGE_CONFIDENCE = 0.85
_SAID_AGE_CONFIDENCE = 0.65

_TABLE: dict[str, Any] = own_table("births.yaml")
_BEFORE_REACH = 30
"""In characters. Words after a date are told as farther off than any before it."""
_CONTEXT = ContextWords({"birth": _TABLE["birth"], "other": _TABLE["other"]}, before=_BEFORE_REACH, after=15)

_MONTHS = any_of(word for words in _TABLE["months"].values() for word in words)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:19|20)\d\d"
_ORDINAL = r"(?:st|nd|rd|th|er|re|a|o|º|ª|\.|-го)?"
_OF = r"(?:\s(?:de|del|of|di|do)\s|[\s.,-]{1,2})"
_DATE = re.compile(
    rf"(?<![\w.,/-])(?:(?P<full>{_YEAR}(?P<s>[-/.])\s?{_MONTH}(?P=s)\s?{_DAY}(?!\d)"
    rf"|{_DAY}(?P<t>[-/.])\s?(?:{_MONTH}|{_DAY})(?P=t)\s?(?:{_YEAR}|\d\d)(?!\d)"
    rf"|{_DAY}{_ORDINAL}(?:{_OF})?(?:{_MONTHS})\.?{_OF}{_YEAR}(?!\d)|{_DAY}\s{_MONTH}\s{_YEAR}(?!\d)"
    rf"|(?:{_MONTHS})\.?\s{_DAY}{_ORDINAL}{_OF}{_YEAR}(?!\d)"
    rf"|{_YEAR}\s?[年년]\s?{_MONTH}\s?[月월]\s?{_DAY}\s?[日일]|{_YEAR}{_OF}(?:{_MONTHS})\.?{_OF}{_DAY}(?!\d))"
    rf"|(?P<part>(?:{_MONTHS})\.?\s{_DAY}{_ORDINAL}(?!\w)|{_DAY}{_ORDINAL}{_OF}(?:{_MONTHS})(?!\w)"
    rf"|{_MONTH}/{_DAY}(?![\w/])|(?:(?:{_MONTHS})\.?{_OF})?{_YEAR}(?![\w/.-]\d|\d|s\b)))"
)

_DIGIT = re.compile(r"\d")
_AGE = r"(?:1[01]\d|[1-9]?\d)"
_NO_AGE = rf"(?<![^\W{UNSPACED}])(?<![.,$€£#/:'-])"
_COUNTS = any_of(_TABLE["counts"])
_NO_COUNT = rf"(?![\w%°:/'\"+-]|[.,]\d|\s?(?:{_COUNTS})(?!\w))"
_BEFORE = re.compile(rf"(?<!\w)(?:{any_of(_TABLE['age_before'])})\s?(?:[:=-]|is|at)?\s?(?P<age>{_AGE}){_NO_COUNT}")
_AFTER = re.compile(rf"{_NO_AGE}(?P<age>{_AGE})[\s-]?(?P<unit>{any_of(_TABLE['age_after'])})(?!\w)")
_TOLD_BEFORE = re.compile(rf"(?<!\w)(?:{any_of([*_TABLE['told_before'], *_TABLE['age_before']])})\W{{1,3}}$")
_NEEDS_TELLING = frozenset(any_of(_TABLE["age_after_told"]).replace("\\", "").split("|"))
_SAID = re.compile(
    rf"(?<!\w)(?:{any_of(_TABLE['person_is'])})\s(?:only |just |now |already |a )?(?P<age>[1-9]\d){_NO_COUNT}"
    r"(?=\s?[,.!?;)]|\s(?:and|but|now|years?|f|m|male|female|with|so|i)\b|\s*$)"
)
_SEX = re.compile(
    r"(?<!\w)(?:[\[(](?:[mf]\s?/?\s?(?P<after>[1-9]\d)|(?P<before>[1-9]\d)\s?/?\s?[mf])[\])]"
    r"|(?P<listed>[1-9]\d)/[mf]/\w)(?!\w)"
)
_AFTER_NAME = re.compile(
    r"(?P<names>[^\W\d_]{2,20}[\s-][^\W\d_]{2,20})(?:\s\((?P<brackets>[1-9]\d)\)|,\s(?P<commas>[1-9]\d)(?=,\s))"
)
_BIRTHS = Pattern(any_of(word.rstrip("*") for word in _TABLE["birth"]))
_BETWEEN_NAMES = re.compile(r"[\s-]")


class BirthRecogniser(TextRecogniser):
    """Sees dates next to a word of birth, and ages with their unit or in the form in which people state theirs."""

    gate = Gate(
        "|".join(
            (
                _BIRTHS.text,
                rf"(?:{any_of([*_TABLE['age_before'], *_TABLE['person_is']])})[\s:=-]{{1,3}}"
                r"(?:(?:is|at|only|just|now|already|a)\s)?[0-9]",
                rf"[0-9][\s-]?(?:{any_of(_TABLE['age_after'])})",
                r"[\[(][mf]\s?/?\s?[1-9][0-9]|[1-9][0-9]\s?/?\s?[mf][\])/]",
                r"[a-z]\s\([1-9][0-9]\)|[a-z],\s[1-9][0-9],\s",
            )
        ),
        reach=70,
        digitless="",
    )

    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield the dates of birth and ages in a stretch."""
        text = stretch.folded.text
        if _DIGIT.search(text) is None:
            return
        context: ReadContext[str] | None = None
        last_end = 0
        for place in _DATE.finditer(text) if any(_BIRTHS.find(text.encode("utf-8", "replace"))) else ():
            context = context or _CONTEXT.read(stretch.folded)
            owner, distance = next(iter(context.distances(*place.span()).items()), ("", 0))
            # A word tells the first date after it only: "born 1 May 1950, 3 June 1980".
            is_taken = distance < _BEFORE_REACH and place.start() - distance < last_end
            if owner == "birth" and not is_taken:
                confidence = _DATE_CONFIDENCE if place["full"] else _PART_CONFIDENCE
                yield Seen(EntityType.DATE_OF_BIRTH, *place.span(), confidence, "date_of_birth")
            last_end = place.end()
        yield from _ages(stretch)


def _ages(stretch: LookedAt) -> Iterator[Seen]:
    text = stretch.folded.text
    for place in _BEFORE.finditer(text):
        yield _age(place.span("age"), _AGE_CONFIDENCE, "age_after_word")
    for place in _AFTER.finditer(text):
        if place["unit"] not in _NEEDS_TELLING or _TOLD_BEFORE.search(text, max(place.start() - 15, 0), place.start()):
            yield _age(place.span("age"), _AGE_CONFIDENCE, "age_before_word")
    for place in _SAID.finditer(text):
        yield _age(place.span("age"), _SAID_AGE_CONFIDENCE, "age_said")
    for place in _SEX.finditer(text):
        yield _age(place.span(str(place.lastgroup)), _SAID_AGE_CONFIDENCE, "age_and_sex")
    for place in _AFTER_NAME.finditer(text):
        written = _BETWEEN_NAMES.split(stretch.written(*place.span("names")))
        if all(map(is_name, _BETWEEN_NAMES.split(place["names"]))) and all(word[:1].isupper() for word in written):
            yield _age(place.span(str(place.lastgroup)), _SAID_AGE_CONFIDENCE, "age_after_name")


def _age(span: tuple[int, int], confidence: float, recogniser: str) -> Seen:
    return Seen(EntityType.AGE, *span, confidence, recogniser)
