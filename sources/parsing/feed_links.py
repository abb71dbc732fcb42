"""The feeds that a page made for people names."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin

from core.errors import AddressRefused
from core.http import check_url
from sources.parsing.decoding import decode
from sources.parsing.html_events import read_html

_HEAD_BYTES = 100_000
"""A page names its feeds in its head."""
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")


def feed_links(page: bytes, url: str) -> list[str]:
    """Return the addresses of the feeds that the page at ``url`` names, in its order, the main one first by convention
    (HTML, section 4.6.7.1: ``link`` with ``rel=alternate``)."""
    links = _Links(url)
    read_html(decode(page[:_HEAD_BYTES]), links)
    return list(dict.fromkeys(links.found))


class _Links:
    """Takes a page as it comes."""

    def __init__(self, url: str) -> None:
        self.found: list[str] = []
        self._base = url

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        address = attributes.get("href", "").strip()
        try:
            address = urljoin(self._base, address) if address else ""
            check_url(address)
        except (AddressRefused, ValueError):
            return
        kind = attributes.get("type", "").partition(";")[0].strip().lower()
        if name == "base":
            self._base = address
        elif name == "link" and "alternate" in attributes.get("rel", "").lower().split() and kind in _FEED_TYPES:
            self.found.append(address)

    def end(self, name: str) -> None:
        """Nothing: a parser calls it."""

    def data(self, text: str) -> None:
        """Nothing: a parser calls it."""
