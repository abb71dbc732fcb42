"""HTML to the text that a reader would see."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree, html  # type: ignore[import-untyped]

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

    Scripts, styles and comments are left out, entities decoded, runs of blanks made one.
    """
    root = _parse(content)
    if root is None:
        return PlainText("")
    title = root.findtext(".//title")
    pieces: list[str] = []
    hidden: etree._Element | None = None
    preformatted = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = element.tag if isinstance(element.tag, str) else None
        if event == "start":
            if hidden is None and (name is None or name in _NOT_SHOWN):
                hidden = element
            if hidden is None:
                preformatted += name == "pre"
                pieces += [_separator(name), _shown(element.text, preformatted)]
        else:
            if hidden is None:
                preformatted -= name == "pre"
                pieces.append(_separator(name))
            elif hidden is element:
                hidden = None
            if hidden is None and element is not root:
                pieces.append(_shown(element.tail, preformatted))
    language = root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang")
    return PlainText(_tidy("".join(pieces)), _tidy(title or "") or None, (language or "").strip() or None)


def _parse(content: str | bytes) -> html.HtmlElement | None:
    if isinstance(content, bytes):
        encoding = _unicode_encoding(content)
    else:
        content, encoding = content.encode("utf-8", "replace"), "utf-8"
    if encoding is not None:
        # A NUL ends the text for libxml2; HTML has the replacement character in its place.
        content = content.decode(encoding, "replace").replace("\0", "\N{REPLACEMENT CHARACTER}").encode()
        encoding = "utf-8"
    parser = html.HTMLParser(encoding=encoding, remove_pis=True, huge_tree=True)
    try:
        return html.document_fromstring(content, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


def _unicode_encoding(content: bytes) -> str | None:
    """Return the Unicode encoding of the bytes, None where another must be found in the page."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8-sig"


def _separator(name: str | None) -> str:
    if name in _BLOCKS:
        return "\n"
    return " " if name in _CELLS else ""


def _shown(text: str | None, preformatted: int) -> str:
    if not text or preformatted:
        return text or ""
    return _SOURCE_BREAKS.sub(" ", text)


def _tidy(text: str) -> str:
    return _BREAKS.sub("\n", _BLANKS.sub(" ", text)).strip()
