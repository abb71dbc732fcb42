"""Addresses in networks: IP addresses (RFC 791, RFC 4291) and hardware addresses (IEEE 802)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from core.types import EntityType
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt, Seen, TextRecogniser

_PUBLIC_CONFIDENCE = 0.9
_PRIVATE_CONFIDENCE = 0.6
"""Of an address that many networks use for themselves: it tells nobody's place."""
_MAC_CONFIDENCE = 0.9
_TELLING_OCTET = 32
"""Four numbers that are all smaller are rather those of a version or a section."""
_REACH = 20

_DOT = r"(?:\.|\[\.\]|\(\.\))"
_V4 = re.compile(rf"(?<![\w.-])(?<!\d[,:/])(?:\d{{1,3}}{_DOT}){{3}}\d{{1,3}}(?![\w-]|\.\d|{_DOT}\d)")
_V6 = re.compile(
    r"(?<![\w:.])(?=[0-9a-f]{0,4}:)[0-9a-f:]{2,39}(?:(?<=:)(?:\d{1,3}\.){3}\d{1,3})?(?:%\w{1,15})?(?![\w:])"
)
_MAC = re.compile(
    r"(?<![\w:.-])(?:[0-9a-f]{2}(?P<sign>[:-])(?:[0-9a-f]{2}(?P=sign)){4}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})"
    r"(?![\w:-]|\.\w)"
)
_IS_VERSION = re.compile(r"\b(?:v|ver|vers|version|release|build|firmware|section|chapter|rev)[\s.:]{0,3}$")
_IS_TOLD = re.compile(
    r"\b(?:ip|ips|ipv4|addr|address|host|server|ping|dns|client|x-forwarded-for)\b[^\w]{0,3}(?:is|was)?\W{0,3}$"
)
_SIGNS = re.compile(r"[^0-9a-f]")


class NetworkRecogniser(TextRecogniser):
    """Sees addresses on folded text. Version numbers, times and key fingerprints are none."""

    gate = Gate(
        "|".join(
            (
                rf"[0-9]{_DOT}[0-9]{{1,3}}{_DOT}[0-9]{{1,3}}{_DOT}[0-9]",
                r"[0-9a-f]{1,4}:[0-9a-f]{0,4}:[0-9a-f]{0,4}:|::[0-9a-f]{1,4}|[0-9a-f]::",
                r"[0-9a-f]{2}-[0-9a-f]{2}-[0-9a-f]{2}-[0-9a-f]{2}-|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}",
            )
        ),
        reach=60,
    )

    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield the addresses in a stretch."""
        text = stretch.folded.text
        for place in _V4.finditer(text):
            before = text[max(place.start() - _REACH, 0) : place.start()]
            is_version = _IS_VERSION.search(before) is not None
            address = None if is_version else _v4(place[0])
            if address and (max(address.packed) >= _TELLING_OCTET or _IS_TOLD.search(before)):
                yield _seen(EntityType.IP_ADDRESS, place, _confidence(address), "ipv4_address")
        for place in _V6.finditer(text):
            if v6 := _v6(place[0]):
                yield _seen(EntityType.IP_ADDRESS, place, _confidence(v6), "ipv6_address")
        for place in _MAC.finditer(text):
            digits = _SIGNS.sub("", place[0])
            # Numbers only may be a date or a phone number; the ends of the range are nobody's.
            if (not digits.isdecimal() and len(set(digits)) > 1) or (":" in place[0] and len(set(digits)) > 1):
                yield _seen(EntityType.MAC_ADDRESS, place, _MAC_CONFIDENCE, "mac_address")


def _v4(written: str) -> IPv4Address | None:
    try:
        address = IPv4Address(re.sub(r"[\[\]()]", "", written))
    except AddressValueError:
        return None
    # Networks, their masks, and what no computer has are nobody's.
    return None if address.is_unspecified or address.is_multicast or address.packed[0] in (0, 255) else address


def _v6(written: str) -> IPv6Address | None:
    groups = [group for group in written.split(":") if group]
    # Times (12:30), names in programs (a::b) and the like are shorter.
    if len(groups) < 3 or not any(character.isdecimal() for character in written):
        return None
    try:
        return IPv6Address(written)
    except AddressValueError:
        return None


def _confidence(address: IPv4Address | IPv6Address) -> float:
    return _PUBLIC_CONFIDENCE if address.is_global else _PRIVATE_CONFIDENCE


def _seen(kind: EntityType, place: re.Match[str], confidence: float, recogniser: str) -> Seen:
    return Seen(kind, place.start(), place.end(), confidence, recogniser)
