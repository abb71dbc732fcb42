"""Addresses of documents: the site that one stands on, and when two addresses lead to the same page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import parse_qsl, urlencode, urlsplit

from publicsuffixlist import PublicSuffixList

from core.types import Alert, Document, Span

_MOST_LINKS = 16
_AROUND_CHARACTERS = 300
_LINK = re.compile(r"https?://[^\s<>\"'`\])}|]{4,2000}", re.IGNORECASE)
_TRAILING = ".,;:!?*_"
# Added by whoever passes a link on; they lead nowhere else.
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|igshid|ref|ref_src|si|share_id", re.IGNORECASE)
_NUMERIC = re.compile(r"[\d.]+|.*:.*")
_WEB = frozenset({"http", "https"})
_OTHER_DOORS = ("www.", "old.", "new.", "m.", "mobile.", "amp.")


def site_of(document: Document) -> str | None:
    """Return the site that the document stands on: the domain somebody registered, else the source's name; None where
    neither is known."""
    try:
        host = urlsplit(document.url or "").hostname
    except ValueError:
        host = None
    if not host:
        return document.source
    return host if _NUMERIC.fullmatch(host) else _suffixes().privatesuffix(host) or host


def page_of(url: str) -> str | None:
    """Return the address of a page in one form however it is written, None for what is no web page or a whole site."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    query = [(name, value) for name, value in parse_qsl(parts.query) if not _TRACKING.fullmatch(name)]
    path = parts.path.rstrip("/")
    if parts.scheme not in _WEB or not host or not (path or query):
        return None
    for door in _OTHER_DOORS:
        host = host.removeprefix(door)
    own_port = "" if port in (None, 80, 443) else f":{port}"
    return f"{host}{own_port}{path}?{urlencode(sorted(query))}"


def pages_linked(alert: Alert) -> frozenset[str]:
    """Return the pages that the alert's document links to beside what was found. A link that holds a match is a mention
    (a member's profile), and leads to no leak."""
    found = [one.span for one in alert.matches if one.span.field == "text"]
    pages = map(page_of, _links_beside(alert.document.text, found))
    return frozenset(page for page in pages if page is not None)


def _links_beside(text: str, found: list[Span]) -> Iterator[str]:
    seen = 0
    for span in found:
        start, end = max(0, span.start - _AROUND_CHARACTERS), span.end + _AROUND_CHARACTERS
        for link in _LINK.finditer(text, start, end):
            if seen == _MOST_LINKS:
                return
            if not any(one.start < link.end() and link.start() < one.end for one in found):
                seen += 1
                yield link[0].rstrip(_TRAILING)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
