"""E-mail addresses, plain and written out: ``name [at] host [dot] org``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.types import Entity, EntityType, FieldName, FoldedText

_PLAIN_CONFIDENCE = 0.98
_WRITTEN_OUT_CONFIDENCE = 0.85

# The parts' lengths are those of RFC 5321, section 4.5.3.1; every repetition is bounded, and an address may start
# only where no other could, so that the time is linear in the text.
_LOCAL = r"(?<![\w.+%-])[a-z0-9_](?:[\w.+%-]{0,62}[\w+%-])?"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_TOP_LABEL = r"[a-z]{2,24}(?![\w-])"
_PLAIN = re.compile(rf"{_LOCAL}@(?:{_LABEL}\.){{1,8}}{_TOP_LABEL}")
_AT = r"\s{0,2}(?:[\[({<]\s?at\s?[\])}>]|@)\s{0,2}"
_DOT = r"(?:\s{0,2}[\[({<]\s?dot\s?[\])}>]\s{0,2}|\sdot\s|\.)"
_WRITTEN_OUT = re.compile(rf"{_LOCAL}(?:{_AT}(?:{_LABEL}{_DOT}){{1,4}}|\sat\s(?:{_LABEL}\sdot\s){{1,4}}){_TOP_LABEL}")


class EmailRecogniser:
    """Sees e-mail addresses on folded text, so in fullwidth letters and HTML references too."""

    def recognise(self, field: FieldName, folded: FoldedText) -> Iterator[Entity]:
        """Yield the addresses in a field."""
        if "@" in folded.text:
            yield from _found(_PLAIN, field, folded, "email_address", _PLAIN_CONFIDENCE)
        if "dot" in folded.text or "at" in folded.text:
            for entity in _found(_WRITTEN_OUT, field, folded, "email_written_out", _WRITTEN_OUT_CONFIDENCE):
                if not _PLAIN.fullmatch(entity.found.lower()):
                    yield entity


def _found(
    pattern: re.Pattern[str], field: FieldName, folded: FoldedText, recogniser: str, confidence: float
) -> Iterator[Entity]:
    for place in pattern.finditer(folded.text):
        span = folded.span(field, *place.span())
        yield Entity(
            type=EntityType.EMAIL,
            span=span,
            found=folded.original[span.start : span.end],
            confidence=confidence,
            recogniser=recogniser,
        )
