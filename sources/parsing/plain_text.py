"""HTML to the text that a reader would see."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sources.parsing.html_events import read_html

# Elements that start on a line of their own (the browsers' default style sheet).
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details",
        "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2",
        "h3", "h4", "h5", "h6", "header", "hr", "legend", "li", "main", "menu", "nav", "ol", "optgroup",
        "option", "p", "pre", "section", "select", "summary", "table", "tbody", "tfoot", "thead", "title", "tr",
        "ul",
    }
)  # fmt: skip
_CELLS = frozenset({"td", "th"})
_NOT_SHOWN = frozenset({"head", "script", "style", "template", "noscript", "iframe", "object", "svg"})

_HEAD_BYTES = 4096
_CHARSET = re.compile(rb"(?:charset|encoding)\s*+=\s*+[\"']?+\s*+([A-Za-z0-9_.:-]{1,40})", re.I)
_FALLBACK = "cp1252"
# By these names pages mean Windows-1252, or nothing that text on the web is written in (some take their time).
_NOT_MEANT = frozenset(
    {"iso8859-1", "ascii", "idna", "punycode", "undefined", "utf-7", "unicode-escape", "raw-unicode-escape"}
)

_SOURCE_BREAKS = re.compile(r"[\r\n]+")
_BLANKS = re.compile(r"[ \t\r\f\v\xa0]+")
_BREAKS = re.compile(r"[ ]*\n[ \n]*")


@dataclass(frozen=True, slots=True)
class PlainText:
    """What an HTML page says: its text, a line for each block, and its title and language where it names them."""

    text: str = field(repr=False)
    title: str | None = field(default=None, repr=False)
    language: str | None = None


def html_to_text(content: str | bytes) -> PlainText:
    """Return the text of a page or a piece of one, in time proportional to its length. Bytes are decoded as the page
    itself says.

    Scripts, styles and comments are left out, entities decoded, runs of blanks made one.
    """
    text = _page_text(content) if isinstance(content, bytes) else content.encode("utf-8", "replace").decode()
    page = TextCollector()
    read_html(text.replace("\0", "\N{REPLACEMENT CHARACTER}"), page)
    return page.plain_text()


class TextCollector:
    """Takes a page, or a part of one, as it comes, and says what it read. No tree is made."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._title: list[str] | None = None
        self._in_title = False
        self._language: str | None = None
        self._started = False
        self._preformatted = 0
        self._not_shown = 0
        """How many elements are open, counted from the outermost that is not shown."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if not self._started:
            self._started = True
            self._language = attributes.get("lang") or attributes.get("xml:lang")
        self._in_title = name == "title" and self._title is None
        if self._in_title:
            self._title = []
        if self._not_shown or name in _NOT_SHOWN:
            self._not_shown += 1
        else:
            self._preformatted += name == "pre"
            self._pieces.append(_separator(name))

    def end(self, name: str) -> None:
        self._in_title = False
        if self._not_shown:
            self._not_shown -= 1
        else:
            self._preformatted -= name == "pre"
            self._pieces.append(_separator(name))

    def data(self, text: str) -> None:
        if self._in_title and self._title is not None:
            self._title.append(text)
        if not self._not_shown:
            breaks = not self._preformatted and ("\n" in text or "\r" in text)
            self._pieces.append(_SOURCE_BREAKS.sub(" ", text) if breaks else text)

    def close(self) -> None:
        """Nothing: a parser calls it."""

    def plain_text(self) -> PlainText:
        title, language = _tidy("".join(self._title or ())), (self._language or "").strip()
        return PlainText(_tidy("".join(self._pieces)), title or None, language or None)


def _page_text(content: bytes) -> str:
    """Return the text of the bytes: as their mark says, as UTF-8, as the page names its encoding, or else as
    Windows-1252 (WHATWG's fallback)."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig", "replace" if content.startswith(codecs.BOM_UTF8) else "strict")
    except UnicodeDecodeError:
        named = _CHARSET.search(content[:_HEAD_BYTES])
    try:
        name = codecs.lookup(named[1].decode("ascii")).name if named else _FALLBACK
        return content.decode(_FALLBACK if name in _NOT_MEANT else name, "replace")
    except (LookupError, ValueError):  # a name may be of something that is no character set, too
        return content.decode(_FALLBACK, "replace")


def _separator(name: str) -> str:
    if name in _BLOCKS:
        return "\n"
    return " " if name in _CELLS else ""


def _tidy(text: str) -> str:
    return _BREAKS.sub("\n", _BLANKS.sub(" ", text)).strip()
