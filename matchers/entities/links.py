"""Links: to a person's profile, to a place on a map, and all others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from core.types import EntityType, FoldedText
from matchers.entities.gates import Gate
from matchers.entities.geo import points_at_place
from matchers.entities.looking import LookedAt, Seen, TextRecogniser
from matchers.entities.social import is_profile
from matchers.folding import Undone
from matchers.hosts import public_suffix
from matchers.phrases import UNSPACED

_PROFILE_CONFIDENCE = 0.95
_MAP_CONFIDENCE = 0.9
_SCHEME_CONFIDENCE = 0.95
_WWW_CONFIDENCE = 0.9
_BARE_CONFIDENCE = 0.7
_LONGEST = 2_000

_CHARACTER = rf"[^\s<>\"`|{UNSPACED}]"
_LABEL = rf"[^\W_{UNSPACED}](?:[^\W{UNSPACED}]|-){{0,62}}"
_DOT = r"(?:\.|\[\.\]|\(\.\)|\[dot\]|\(dot\))"
_LINK = re.compile(
    rf"(?P<scheme>(?<![^\W_])h[tx]{{2}}ps?\s?(?:\[?:\]?)//?/?){_CHARACTER}{{3,{_LONGEST}}}"
    rf"|(?P<www>(?<![\w@.])www{_DOT}){_CHARACTER}{{4,{_LONGEST}}}"
    rf"|(?<![\w@./:-])(?P<host>(?:{_LABEL}{_DOT}){{1,5}}[^\W\d_{UNSPACED}]{{2,24}})"
    rf"(?::\d{{2,5}})?/(?=[^\s/]){_CHARACTER}{{1,{_LONGEST}}}"
)
_TRAILING = ".,;:!?'\"*_~…»”’"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_HIDDEN_DOT = re.compile(r"\[\.\]|\(\.\)|\[dot\]|\(dot\)")
_HIDDEN_SCHEME = re.compile(r"^h[tx]{2}p(s?)\s?\[?:\]?//?/?")


class LinkRecogniser(TextRecogniser):
    """Sees links on folded text, also such as nobody can click (``hxxps://harbor[.]example``). Without ``http`` or
    ``www`` a link has a path, and a host under a known suffix (Public Suffix List)."""

    # To its end, so that a link is one place.
    gate = Gate(
        rf"(?:h[tx]{{2}}ps?\s?\[?:\]?/|www(?:\.|\[|\()"
        rf"|{_DOT}[a-z]{{2,24}}(?::[0-9]{{2,5}})?/[^\s/])[^\s\x00]*",
        reach=200,
    )

    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield the links in a stretch."""
        for place in _LINK.finditer(_undecoded(stretch.folded)):
            end = _trimmed(place)
            parts = _split(place.string[place.start() : end])
            if parts is None or (place["host"] and not public_suffix(parts.netloc.split(".")[-2:])[1]):
                continue
            yield _seen(place, end, parts)


def _seen(place: re.Match[str], end: int, parts: SplitResult) -> Seen:
    host, rest = (parts.hostname or "").removeprefix("www."), parts._replace(scheme="", netloc="").geturl()
    if points_at_place(host, rest):
        return Seen(EntityType.GEO_COORDINATES, place.start(), end, _MAP_CONFIDENCE, "map_link")
    if is_profile(host, rest):
        return Seen(EntityType.SOCIAL_HANDLE, place.start(), end, _PROFILE_CONFIDENCE, "profile_link")
    if place["scheme"]:
        return Seen(EntityType.URL, place.start(), end, _SCHEME_CONFIDENCE, "link")
    confidence = _WWW_CONFIDENCE if place["www"] else _BARE_CONFIDENCE
    return Seen(EntityType.URL, place.start(), end, confidence, "link_without_scheme")


def _undecoded(folded: FoldedText) -> str:
    """Return the folded text with a letter for every character that is percent-encoded: it is none of the signs that
    end a link."""
    if "%" not in folded.original:
        return folded.text
    encoded = int(Undone.URL_ENCODING)  # the operators of flags take many times as long
    rows = zip(folded.text, folded.undone, strict=True)
    return "".join("x" if undone & encoded else character for character, undone in rows)


def _trimmed(place: re.Match[str]) -> int:
    """Return where the link ends: before the signs of the sentence around it."""
    link, end = place[0], len(place[0])
    while end > 1:
        last = link[end - 1]
        is_unpaired = last in _PAIRS and link.count(last, 0, end) > link.count(_PAIRS[last], 0, end)
        if last not in _TRAILING and not is_unpaired:
            break
        end -= 1
    return place.start() + end


def _split(link: str) -> SplitResult | None:
    plain = _HIDDEN_DOT.sub(".", link)
    plain, schemes = _HIDDEN_SCHEME.subn(r"http\1://", plain)
    try:
        parts = urlsplit(plain if schemes else f"//{plain}")
        host = parts.hostname
    except ValueError:
        return None
    return parts if host and "." in host.strip(".") else None
