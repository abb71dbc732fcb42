"""Numbers of courts and authorities: dockets, case numbers, neutral citations.

What they look like, and which words of context they need, stands in ``cases.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from pydantic import BaseModel, ConfigDict

from core.types import Entity, EntityType, Span
from matchers.entities.context import ContextWords, ReadContext
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt
from matchers.entities.tables import own_table
from matchers.patterns import Pattern, PatternSet

_WITH_WORDS_CONFIDENCE = 0.75
# A word is nearer than that: case numbers stand beside their label, and few of them look like nothing else.
_BEFORE, _AFTER = 30, 12
_FEWEST_DIGITS = 3
# Nothing that belongs to the number may stand around it.
_START, _END = r"(?<![a-z0-9])(?<![a-z0-9][-/.:_@])", r"(?![a-z0-9]|[-/.:_@][a-z0-9])"


class CaseForm(BaseModel):
    """One row of the table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    country: str | None = None
    pattern: str
    words: tuple[str, ...] = ()
    alone: float | None = None
    capitals: bool = False
    source: str


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    words: Mapping[str, tuple[str, ...]]
    cases: tuple[CaseForm, ...]


def case_forms() -> tuple[CaseForm, ...]:
    """Return the rows of the table."""
    return _table().cases


class CaseNumberRecogniser:
    """Sees case numbers."""

    def __init__(self) -> None:
        table = _table()
        self.gate = Gate(
            "|".join(form.pattern.replace("?P<number>", "?:") for form in table.cases), reach=70, digitless=""
        )
        self._forms = {Pattern(form.pattern): form for form in table.cases}
        self._which = PatternSet(self._forms)
        self._compiled = {form.name: re.compile(f"{_START}(?:{form.pattern}){_END}", re.ASCII) for form in table.cases}
        self._words: ContextWords[str] = ContextWords(table.words, _BEFORE, _AFTER)

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield the case numbers in the stretches."""
        for stretch in stretches:
            text = stretch.folded.text
            words: ReadContext[str] | None = None
            for pattern in self._which.found_in(text.encode("utf-8", "replace")):
                form = self._forms[pattern]
                for place in self._compiled[form.name].finditer(text):
                    start, end = place.span("number" if "number" in place.re.groupindex else 0)
                    if sum(map(str.isdigit, text[start:end])) < _FEWEST_DIGITS:
                        continue
                    span = stretch.span(start, end)
                    found = stretch.found(span)
                    confidence = form.alone if not form.capitals or _has_capital(found) else None
                    if form.words:
                        words = words or self._words.read(stretch.folded)
                        if not words.distances(start, end).keys().isdisjoint(form.words):
                            confidence = max(confidence or 0.0, _WITH_WORDS_CONFIDENCE)
                    if confidence is not None:
                        yield stretch, _entity(form, span, found, confidence)


def _entity(form: CaseForm, span: Span, found: str, confidence: float) -> Entity:
    return Entity(
        type=EntityType.CASE_NUMBER,
        span=span,
        found=found,
        confidence=confidence,
        recogniser=form.name,
        country=form.country,
    )


def _has_capital(found: str) -> bool:
    """Return whether the first letter is a capital: registers of courts are named so (``BvR``)."""
    return next((sign.isupper() for sign in found if sign.isalpha()), False)


@cache
def _table() -> _Table:
    return _Table.model_validate(own_table("cases.yaml"))
