"""Phone numbers, valid ones only, in international form or in the national form of the given countries."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phonenumbers import SUPPORTED_REGIONS, Leniency, PhoneNumberMatcher, region_code_for_number

from core.errors import SettingsError
from core.types import Entity, EntityType, FieldName, FoldedText

_CONFIDENCE_INTERNATIONAL = 0.95
_CONFIDENCE_NATIONAL = 0.8
_FEWEST_DIGITS = 7
_WORLD = "001"

# A stretch that may hold numbers; its length is bounded, so that the time is linear in the text. It may not touch a
# letter, an @ or a currency sign, nor a slash, which stand before identifiers, amounts and parts of addresses.
# Dates and IP addresses are none.
_STRETCH = re.compile(
    r"(?<![\w@#/=$€£.,-])(?!\d{4}[-/.]\d{2}[-/.]\d{2}\b)(?!(?:\d{1,3}\.){3}\d{1,3}\b)"
    r"[+(]{0,2}\d[\d\s().+/\-]{5,60}(?<=\d)(?:\s?(?:x|ext\.?)\s?\d{1,5})?(?![\w@%])"
)


class PhoneRecogniser:
    """Sees phone numbers on folded text, by the rules of libphonenumber."""

    def __init__(self, regions: tuple[str, ...]) -> None:
        """Raises SettingsError for a region that is no country code."""
        for region in regions:
            if region not in SUPPORTED_REGIONS:
                raise SettingsError("setting phone_regions: every region is a country code of two capital letters")
        self._regions = regions

    def recognise(self, field: FieldName, folded: FoldedText) -> Iterator[Entity]:
        """Yield the numbers in a field."""
        if sum(map(folded.text.count, "0123456789")) < _FEWEST_DIGITS:
            return
        for stretch in _STRETCH.finditer(folded.text):
            if sum(map(str.isdigit, stretch[0])) >= _FEWEST_DIGITS:
                yield from self._numbers(field, folded, stretch)

    def _numbers(self, field: FieldName, folded: FoldedText, stretch: re.Match[str]) -> Iterator[Entity]:
        seen: list[range] = []
        for region in self._regions or (None,):
            for match in PhoneNumberMatcher(stretch[0], region, Leniency.VALID):
                place = range(stretch.start() + match.start, stretch.start() + match.end)
                if any(place.start < other.stop and other.start < place.stop for other in seen):
                    continue
                seen.append(place)
                span = folded.span(field, place.start, place.stop)
                country = region_code_for_number(match.number)
                is_international = match.raw_string.startswith(("+", "(+"))
                yield Entity(
                    type=EntityType.PHONE,
                    span=span,
                    found=folded.original[span.start : span.end],
                    confidence=_CONFIDENCE_INTERNATIONAL if is_international else _CONFIDENCE_NATIONAL,
                    recogniser="phone_international" if is_international else "phone_national",
                    country=None if country == _WORLD else country,
                )
