"""HTML to the text that a reader would see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]

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
    """Return the text of a page or a piece of one. Bytes are decoded as the page itself says.

    Scripts, styles and comments are left out, entities decoded, runs of blanks made one. Raises MemoryError.
    """
    if isinstance(content, bytes):
        encoding = _unicode_encoding(content)
    else:
        content, encoding = content.encode("utf-8", "replace"), "utf-8"
    if encoding is not None:
        # A NUL ends the text for libxml2; HTML has the replacement character in its place.
        content = content.decode(encoding, "replace").replace("\0", "\N{REPLACEMENT CHARACTER}").encode()
        encoding = "utf-8"
    page = TextCollector()
    parser = etree.HTMLParser(encoding=encoding, remove_pis=True, huge_tree=True, target=page)
    etree.fromstring(content, parser=parser)
    if parser.error_log.filter_types(etree.ErrorTypes.ERR_NO_MEMORY):
        raise MemoryError  # libxml2 only stops
    return page.plain_text()


class TextCollector:
    """Takes a page, or a part of one, from lxml's parser as it comes (as its ``target``), and says what it read.

    No tree is made: for one, libxml2 takes quadratic time over an element's attributes, and leaves out what is nested
    more than 2048 deep.
    """

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
            self._pieces.append(text if self._preformatted else _SOURCE_BREAKS.sub(" ", text))

    def close(self) -> None:
        """Nothing: a parser calls it."""

    def plain_text(self) -> PlainText:
        title, language = _tidy("".join(self._title or ())), (self._language or "").strip()
        return PlainText(_tidy("".join(self._pieces)), title or None, language or None)


def _unicode_encoding(content: bytes) -> str | None:
    """Return the Unicode encoding of the bytes, None where another must be found in the page."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8-sig"


def _separator(name: str) -> str:
    if name in _BLOCKS:
        return "\n"
    return " " if name in _CELLS else ""


def _tidy(text: str) -> str:
    return _BREAKS.sub("\n", _BLANKS.sub(" ", text)).strip()
