"""E-mail addresses, plain and written out: ``name [at] host [dot] org``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from core.types import Entity, EntityType
from matchers.entities.looking import LookedAt

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
_SIGN_OF_WRITTEN_OUT = re.compile(r"[\[({<]\s?at\s?[\])}>]|\sdot\s")
_WRITTEN_OUT = re.compile(rf"{_LOCAL}(?:{_AT}(?:{_LABEL}{_DOT}){{1,4}}|\sat\s(?:{_LABEL}\sdot\s){{1,4}}){_TOP_LABEL}")


class EmailRecogniser:
    """Sees e-mail addresses on folded text, so in fullwidth letters and HTML references too."""

    gate = r"@|[\[({<]\s?at\s?[\])}>]|\sdot\s"

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield the addresses in the stretches."""
        for stretch in stretches:
            text = stretch.folded.text
            if "@" in text:
                yield from _found(_PLAIN, stretch, "email_address", _PLAIN_CONFIDENCE)
            if "@" in text or _SIGN_OF_WRITTEN_OUT.search(text):
                for place, entity in _found(_WRITTEN_OUT, stretch, "email_written_out", _WRITTEN_OUT_CONFIDENCE):
                    if not _PLAIN.fullmatch(entity.found.lower()):
                        yield place, entity


def _found(
    pattern: re.Pattern[str], stretch: LookedAt, recogniser: str, confidence: float
) -> Iterator[tuple[LookedAt, Entity]]:
    for place in pattern.finditer(stretch.folded.text):
        span = stretch.span(*place.span())
        yield (
            stretch,
            Entity(
                type=EntityType.EMAIL,
                span=span,
                found=stretch.found(span),
                confidence=confidence,
                recogniser=recogniser,
            ),
        )
