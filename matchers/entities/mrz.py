"""Machine-readable zones of travel documents: ICAO Doc 9303, parts 3 to 7.

Three check digits (number, date of birth, date of expiry) make a chance find next to impossible, so a zone needs no
context. The lines may be without the ones above them, as people copy what they need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from core.types import Entity, EntityType
from matchers.entities.check_digits import icao_check_digit
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt
from matchers.entities.tables import own_table

_CONFIDENCE = 0.98
_DATES = r"(?P<birth>[0-9]{6})(?P<birth_check>[0-9])[mfx<](?P<expiry>[0-9]{6})(?P<expiry_check>[0-9])"
_NUMBER = r"(?P<number>[a-z0-9<]{9})(?P<number_check>[0-9])"
_COUNTRY = r"(?P<country>[a-z<]{3})"
_BREAK = r"[ \t]{0,4}\r?\n[ \t>]{0,4}"
_BEFORE, _AFTER = r"(?<![a-z0-9<])", r"(?![a-z0-9<])"
# The two lines of passports, visas and large cards (TD2, TD3, MRV-A, MRV-B), and the three lines of cards (TD1).
_TWO_LINES = re.compile(
    rf"{_BEFORE}(?:(?P<kind>[pviac])[a-z<][a-z<]{{3}}[a-z<]{{31,39}}{_BREAK})?"
    rf"{_NUMBER}{_COUNTRY}{_DATES}[a-z0-9<]{{7,16}}{_AFTER}"
)
_THREE_LINES = re.compile(
    rf"{_BEFORE}(?P<kind>[iac])[a-z<]{_COUNTRY}{_NUMBER}[a-z0-9<]{{15}}{_BREAK}"
    rf"{_DATES}[a-z<]{{3}}[a-z0-9<]{{11}}[0-9](?:{_BREAK}[a-z<]{{30}})?{_AFTER}"
)
_TYPES = {"p": EntityType.PASSPORT, "v": EntityType.IMMIGRATION_ID}
_PERMIT = re.compile("[aci]r")  # residence permits are cards too (Regulation (EC) 1030/2002, annex)


class MachineReadableZoneRecogniser:
    """Sees the zones of passports, visas and identity cards."""

    gate = Gate(r"[0-9]{7}[mfx<][0-9]{7}", reach=150, digitless="")

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield the zones in the stretches, all their lines as one entity, with the country that issued them."""
        for stretch in stretches:
            for pattern in (_TWO_LINES, _THREE_LINES):
                for zone in pattern.finditer(stretch.folded.text):
                    if all(_holds(zone, field) for field in ("number", "birth", "expiry")):
                        yield stretch, _entity(stretch, zone)


def _holds(zone: re.Match[str], field: str) -> bool:
    return icao_check_digit(zone[field].upper()) == zone[f"{field}_check"]


def _entity(stretch: LookedAt, zone: re.Match[str]) -> Entity:
    span = stretch.span(*zone.span())
    is_permit = zone["kind"] is not None and _PERMIT.match(zone[0])
    return Entity(
        type=EntityType.IMMIGRATION_ID if is_permit else _TYPES.get(zone["kind"] or "p", EntityType.NATIONAL_ID),
        span=span,
        found=stretch.found(span),
        confidence=_CONFIDENCE,
        recogniser="machine_readable_zone",
        country=_countries().get(zone["country"].rstrip("<").upper()),
    )


@cache
def _countries() -> Mapping[str, str]:
    """Return the ISO 3166-1 alpha-2 codes by the codes of Doc 9303-3, section 5."""
    rows: Mapping[str, str] = own_table("mrz_countries.yaml")
    return {three: two for two, threes in rows.items() for three in threes.split()}
