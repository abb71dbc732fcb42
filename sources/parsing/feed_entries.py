"""The entries of feeds: RSS, Atom, JSON Feed."""

from __future__ import annotations

import hashlib
import io
import json
import re
from calendar import timegm
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from time import struct_time
from typing import Any
from urllib.parse import urljoin

from lxml import etree  # type: ignore[import-untyped]

from core.types import Document
from sources.parsing.formats import UnreadableFormat
from sources.parsing.plain_text import html_to_text

MOST_ENTRIES = 50_000
"""Feeds hold some tens, archives of them some thousands."""
JSON_FEED_VERSION = "https://jsonfeed.org/version/"
_LONG_BLANKS = re.compile(rb"\s{100,}")
_HTML_TYPES = ("text/html", "application/xhtml+xml")


def read_feed(body: bytes, url: str, content_type: str | None) -> list[Document]:
    """Return the entries, the oldest first as far as they are dated or in the usual order (newest first).

    ``url`` is what relative links stand on, ``content_type`` the header it came with. An entry's id is its own, else
    its link, else a digest of its content. Raises UnreadableFormat for what is no feed.
    """
    if not body.strip():
        entries = None
    elif body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        entries = read_json_feed(body, url)
    else:
        entries = read_xml_feed(body, url, content_type)
    if entries is None:
        raise UnreadableFormat("is not a feed")
    if len(entries) > MOST_ENTRIES:
        raise UnreadableFormat(f"holds more than {MOST_ENTRIES} entries")
    entries.reverse()
    return sorted(entries, key=lambda entry: entry.published_at.timestamp() if entry.published_at else 0.0)


def read_xml_feed(body: bytes, url: str, content_type: str | None) -> list[Document] | None:
    """Return the entries of an RSS or Atom feed, None for anything else."""
    import feedparser  # type: ignore[import-untyped]  # where there is a feed: it takes its time

    def parsed(body: bytes) -> Any:
        # Without the feed's own address: feedparser would make ids of it, which must not change when the feed moves.
        headers = {"content-type": content_type} if content_type else {}
        # A stream, since feedparser takes a string for an address to fetch or a file to open.
        return feedparser.parse(
            io.BytesIO(body), response_headers=headers, resolve_relative_uris=False, sanitize_html=False
        )

    body = _without_long_blanks(body)
    try:
        feed = parsed(body)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # feedparser trips over some damage, such as an end tag without a start or a reference to half a character.
        feed = parsed(_repaired(body))
    if not feed.get("version") and not feed.entries:
        return None
    language = feed.feed.get("language")
    return [_xml_entry(entry, url, language) for entry in feed.entries]


def _without_long_blanks(body: bytes) -> bytes:
    """Return the feed with long runs of white space made one: feedparser takes time before the first element that grows
    with the square of their length."""
    return _LONG_BLANKS.sub(lambda run: b"\n" if b"\n" in run[0] else b" ", body)


def _repaired(body: bytes) -> bytes:
    """Return the feed with every element closed, without what cannot be read."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    root = etree.fromstring(body, parser)
    return b"" if root is None else bytes(etree.tostring(root, encoding="utf-8"))


def _joined_address(base: str, link: str | None) -> str | None:
    """Return where the link leads; one that cannot be read is nothing to lose a feed for."""
    try:
        return urljoin(base, link) if link else None
    except ValueError:
        return None


def _xml_entry(entry: Mapping[str, Any], url: str, feed_language: str | None) -> Document:
    contents = entry.get("content") or []
    summary = entry.get("summary_detail")
    link = entry.get("link")
    languages = [detail.get("language") for detail in (*contents, entry.get("title_detail") or {})]
    # Not by .get("published_parsed"): feedparser answers there with another key's value, and warns.
    moments = [moment for key in ("published_parsed", "updated_parsed") if key in entry and (moment := entry[key])]
    return _document(
        own_id=entry.get("id"),
        url=_joined_address(url, link),
        title=_plain(entry.get("title_detail")),
        text=_joined([_plain(summary), *map(_plain, contents)]),
        author=entry.get("author"),
        language=next(filter(None, languages), feed_language),
        published_at=_from_moment(moments[0]) if moments else None,
    )


def read_json_feed(body: bytes, url: str) -> list[Document] | None:
    """Return the entries of a JSON Feed (https://www.jsonfeed.org/version/1.1/), None for anything else."""
    try:
        feed = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(feed, dict) or not str(feed.get("version", "")).startswith(JSON_FEED_VERSION):
        return None
    items = feed.get("items")
    if not isinstance(items, list):
        return None
    return [_json_entry(item, url, feed) for item in items if isinstance(item, dict)]


def _json_entry(item: Mapping[str, Any], url: str, feed: Mapping[str, Any]) -> Document:
    link = _string(item.get("url")) or _string(item.get("external_url"))
    markup = _string(item.get("content_html"))
    return _document(
        own_id=_string(item.get("id")),
        url=_joined_address(url, link),
        title=_string(item.get("title")),
        text=_joined(
            [
                _string(item.get("summary")),
                _string(item.get("content_text")),
                html_to_text(markup).text if markup else None,
            ]
        ),
        author=_json_author(item) or _json_author(feed),
        language=_string(item.get("language")) or _string(feed.get("language")),
        published_at=_from_iso(_string(item.get("date_published")) or _string(item.get("date_modified"))),
    )


def _json_author(holder: Mapping[str, Any]) -> str | None:
    authors = holder.get("authors")
    candidates = [*(authors if isinstance(authors, list) else []), holder.get("author")]
    names = [_string(author.get("name")) for author in candidates if isinstance(author, dict)]
    return ", ".join(filter(None, names)) or None


def _document(
    *,
    own_id: str | None,
    url: str | None,
    title: str | None,
    text: str,
    author: str | None,
    language: str | None,
    published_at: datetime | None,
) -> Document:
    text, title, url = _clean(text) or "", _clean(title), _clean(url)
    identifier = _clean(own_id) or url or hashlib.sha256(f"{title or ''}\0{text}".encode()).hexdigest()
    return Document(
        id=identifier,
        external_id=identifier,
        text=text,
        title=title,
        url=url,
        author=_clean(author),
        language=_clean(language),
        published_at=published_at,
    )


def _plain(detail: Mapping[str, Any] | None) -> str | None:
    """Return the text of a text construct of feedparser."""
    if not detail or not detail.get("value"):
        return None
    value = str(detail["value"])
    return html_to_text(value).text if detail.get("type") in _HTML_TYPES else value.strip()


def _joined(texts: Iterable[str | None]) -> str:
    """Return the texts under one another, without those that another one holds."""
    kept: list[str] = []
    for text in filter(None, texts):
        if not any(text in other for other in kept):
            kept = [other for other in kept if other not in text] + [text]
    return "\n".join(kept)


def _string(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else None


def _clean(text: str | None) -> str | None:
    """Return the text without lone surrogates, None where it is empty."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if text else None


def _from_moment(moment: struct_time) -> datetime | None:
    """Return the moment, in UTC, None for one that no calendar has, such as the year 0."""
    try:
        return datetime.fromtimestamp(timegm(moment), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _from_iso(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
