"""Positions on the earth: coordinates, plus codes, what3words, and links to places on maps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.types import EntityType
from matchers.entities.context import ContextWords, ReadContext
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt, Seen, TextRecogniser
from matchers.entities.tables import own_table

_PAIR_CONFIDENCE = 0.85
_TOLD_CONFIDENCE = 0.95
_DEGREES_CONFIDENCE = 0.95
_CODE_CONFIDENCE = 0.85

_TABLE: dict[str, Any] = own_table("geo.yaml")
_CONTEXT = ContextWords({"position": _TABLE["context"]})
_MAPS = [(frozenset(row["hosts"]), re.compile(row["pattern"])) for row in _TABLE["map_links"]]
_COUNTRY_HOST = re.compile(r"(google|yandex|bing)\.(?:com?\.)?[a-z]{2,3}$")

_NUMBER = r"[+-]?\d{1,3}\.\d{2,15}"
_LONGITUDE_WORD = r"(?:lon|lng|long)(?:gitude?|itud)?"
_PAIR = re.compile(
    rf"(?<![\w.,+-])(?P<latitude>{_NUMBER})°?\s?(?P<south>[ns])?"
    rf"(?:\s?[,;/]\s?|\s{{1,3}}|\s?[,;/]?\s?[\"']?{_LONGITUDE_WORD}[\"']?\s?[:=]\s?)"
    rf"(?P<longitude>{_NUMBER})(?![\d.]*\d|%)°?\s?(?P<west>[eow]\b)?"
)
_DEGREES = r"\d{1,3}\s?(?:°|º|deg\b)\s?(?:\d{1,2}(?:[.,]\d{1,8})?\s?['`]\s?(?:\d{1,2}(?:[.,]\d{1,8})?\s?(?:\"|''))?)?"
_DECIMAL_DEGREES = r"\d{1,3}[.,]\d{2,8}\s?(?:°|º|deg\b)"
_SEXAGESIMAL = re.compile(
    rf"(?<![\w.,])(?:[ns]\s?(?:{_DECIMAL_DEGREES}|{_DEGREES})\s?[,;/]?\s?[eow]\s?(?:{_DECIMAL_DEGREES}|{_DEGREES})"
    rf"|(?:{_DECIMAL_DEGREES}|{_DEGREES})\s?[ns]\b\s?[,;/]?\s?(?:{_DECIMAL_DEGREES}|{_DEGREES})\s?[eow](?!\w))"
)
# Open Location Code, https://github.com/google/open-location-code: eight digits of its own alphabet, a plus, two or
# more. The first two are of rows and columns that exist. Short ones need a place's name and are left to map links.
_PLUS_CODE = re.compile(
    r"(?<![\w+])[23456789c][23456789cfghjmpqrv][23456789cfghjmpqrvwx]{6}\+[23456789cfghjmpqrvwx]{2,7}(?!\w)"
)
_WHAT3WORDS = re.compile(r"(?<![/\w:])///\s?[^\W\d_]{2,30}[.。][^\W\d_]{2,30}[.。][^\W\d_]{2,30}(?![\w.]\w)")
_GEO_URI = re.compile(r"(?<!\w)geo:-?\d{1,2}(?:\.\d{1,12})?,-?\d{1,3}(?:\.\d{1,12})?")  # RFC 5870

_DECIMALS_ALONE, _DECIMALS_TOLD = 4, 2
"""Of both numbers of a pair: four are some ten metres, and two such numbers are rarely anything else."""


class GeoRecogniser(TextRecogniser):
    """Sees positions on folded text. Two decimal numbers are one where both have four decimals, or a word tells so."""

    gate = Gate(
        "|".join(
            (
                rf"[0-9]\.[0-9]{{2,15}}°?\s?[ns]?(?:\s?[,;/]\s?|\s{{1,3}}|\s?[,;/]?\s?[\"']?{_LONGITUDE_WORD}[\"']?\s?[:=]\s?)"
                rf"[+-]?[0-9]{{1,3}}\.[0-9]{{2}}",
                r"[0-9]\s?(?:°|º|deg\b)\s?(?:[0-9]|[ns]\b)",
                r"[2-9cfghjmpqrvwx]{6}\+[2-9cfghjmpqrvwx]{2}|///\s?[^\W\d_]|geo:-?[0-9]",
            )
        ),
        reach=80,
    )

    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield the positions in a stretch."""
        text = stretch.folded.text
        context: ReadContext[str] | None = None
        for place in _PAIR.finditer(text):
            latitude, longitude = place["latitude"], place["longitude"]
            if abs(float(latitude)) > 90 or abs(float(longitude)) > 180:
                continue
            if not float(latitude) and not float(longitude):
                continue
            decimals = min(_decimals(latitude), _decimals(longitude))
            context = context or _CONTEXT.read(stretch.folded)
            is_told = place["south"] or "l" in text[place.end("latitude") : place.start("longitude")]
            is_told = is_told or context.nearest(*place.span()) is not None
            if decimals >= (_DECIMALS_TOLD if is_told else _DECIMALS_ALONE):
                confidence = _TOLD_CONFIDENCE if is_told else _PAIR_CONFIDENCE
                yield _seen(place, confidence, "decimal_degrees")
        for pattern, confidence, recogniser in (
            (_SEXAGESIMAL, _DEGREES_CONFIDENCE, "degrees_and_minutes"),
            (_GEO_URI, _DEGREES_CONFIDENCE, "geo_uri"),
            (_PLUS_CODE, _CODE_CONFIDENCE, "plus_code"),
            (_WHAT3WORDS, _CODE_CONFIDENCE, "what3words"),
        ):
            for place in pattern.finditer(text):
                yield _seen(place, confidence, recogniser)


def points_at_place(host: str, rest: str) -> bool:
    """Return whether a link to ``rest`` (path, query and fragment) on a host, all folded, shows a place on a map."""
    name = _COUNTRY_HOST.sub(r"\1.com", host)
    return any(name in hosts and pattern.search(rest) for hosts, pattern in _MAPS)


def _decimals(number: str) -> int:
    return len(number.partition(".")[2])


def _seen(place: re.Match[str], confidence: float, recogniser: str) -> Seen:
    end = place.start() + len(place[0].rstrip())
    return Seen(EntityType.GEO_COORDINATES, place.start(), end, confidence, recogniser)
