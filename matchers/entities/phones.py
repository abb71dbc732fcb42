"""Phone numbers, valid ones only, in international form or in the national form of the given countries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from phonenumbers import SUPPORTED_REGIONS, Leniency, PhoneNumberMatcher, region_code_for_number

from core.errors import SettingsError
from core.types import Entity, EntityType
from matchers.entities.looking import LookedAt

_CONFIDENCE_INTERNATIONAL = 0.95
_CONFIDENCE_NATIONAL = 0.8
_FEWEST_DIGITS = 7
_WORLD = "001"

# A stretch that may hold numbers; its length is bounded, so that the time is linear in the text. It may not touch a
# letter, an @ or a currency sign, nor a slash, which stand before identifiers, amounts and parts of addresses.
# Dates and IP addresses are none.
_NUMBERS = re.compile(
    r"(?<![\w@#/=$€£.,-])(?!\d{4}[-/.]\d{2}[-/.]\d{2}\b)(?!(?:\d{1,3}\.){3}\d{1,3}\b)"
    r"[+(]{0,2}\d[\d\s().+/\-]{5,60}(?<=\d)(?:\s?(?:x|ext\.?)\s?\d{1,5})?(?![\w@%])"
)


class PhoneRecogniser:
    """Sees phone numbers on folded text, by the rules of libphonenumber."""

    gate = r"[0-9][0-9\s().+/-]{5}"

    def __init__(self, regions: tuple[str, ...]) -> None:
        """Raises SettingsError for a region that is no country code."""
        for region in regions:
            if region not in SUPPORTED_REGIONS:
                raise SettingsError("setting phone_regions: every region is a country code of two capital letters")
        self._regions = regions

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield the numbers in the stretches."""
        for stretch in stretches:
            text = stretch.folded.text
            if sum(map(text.count, "0123456789")) < _FEWEST_DIGITS:
                continue
            for digits in _NUMBERS.finditer(text):
                if sum(map(str.isdigit, digits[0])) >= _FEWEST_DIGITS:
                    for number in self._numbers(stretch, digits):
                        yield stretch, number

    def _numbers(self, stretch: LookedAt, digits: re.Match[str]) -> Iterator[Entity]:
        seen: list[range] = []
        for region in self._regions or (None,):
            for match in PhoneNumberMatcher(digits[0], region, Leniency.VALID):
                place = range(digits.start() + match.start, digits.start() + match.end)
                if any(place.start < other.stop and other.start < place.stop for other in seen):
                    continue
                seen.append(place)
                span = stretch.span(place.start, place.stop)
                country = region_code_for_number(match.number)
                is_international = match.raw_string.startswith(("+", "(+"))
                yield Entity(
                    type=EntityType.PHONE,
                    span=span,
                    found=stretch.found(span),
                    confidence=_CONFIDENCE_INTERNATIONAL if is_international else _CONFIDENCE_NATIONAL,
                    recogniser="phone_international" if is_international else "phone_national",
                    country=None if country == _WORLD else country,
                )
