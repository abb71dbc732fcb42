"""HTML as it comes: elements that begin and end, and text. In time proportional to its length, whatever it is.

What stands where follows the HTML standard (section 13.2) as far as a reader of the text notices, and is open-handed
where that would hide what follows: a tag that never ends is text.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

_VOID = frozenset(
    {
        "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen", "link",
        "meta", "param", "source", "track", "wbr",
    }
)  # fmt: skip
# Whose content has no elements and, in the first, no references: it ends with the element's own end tag only.
_RAW = frozenset({"script", "style", "xmp", "iframe", "noembed", "noframes", "noscript"})
_TEXT_ONLY = frozenset({"title", "textarea"})
_OF_HEAD = frozenset(
    {"base", "basefont", "bgsound", "link", "meta", "noframes", "noscript", "script", "style", "template", "title"}
)
_SKELETON = frozenset({"html", "head", "body"})

# Possessive (++ and *+): nothing that was passed is looked at again. A quotation mark counts after "=" only, and one
# that has no other is a letter like others.
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)((?:[^>\"'=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+|[\"'])*+)>")
_ATTRIBUTE = re.compile(r"([^\s/=\"'][^\s/=]*+)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|(\S++)))?+")
_COMMENT_END = re.compile(r"--!?>")
_ZEROS = re.compile(r"&#([xX]?)0++(?=[0-9a-fA-F])")
_NO_CHARACTER = re.compile(r"&#(?:[0-9]{8,}+|[xX][0-9a-fA-F]{7,}+);?")


class HtmlTarget(Protocol):
    """What takes HTML as it comes, as with lxml's parsers. Each element that starts ends, in order."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take note that an element begins; its name and those of its attributes are in small letters."""

    def end(self, name: str) -> None:
        """Take note that the element that began last, and has not ended, ends."""

    def data(self, text: str) -> None:
        """Take a piece of text, with references decoded."""


def read_html(text: str, target: HtmlTarget) -> None:
    """Tell the target what the HTML holds. An element that has no end tag ends with the one around it."""
    events = _Events(target)
    position = 0
    while (start := text.find("<", position)) >= 0:
        events.data(text[position:start])
        following = text[start + 1 : start + 2]
        if _is_letter(text[start + 2 : start + 3] if following == "/" else following):
            tag = _TAG.match(text, start)
            if tag is None:
                events.data(text[start:])
                position = len(text)
                break
            position = tag.end()
            if tag[1]:
                events.end(tag[2].lower())
            else:
                position = events.start(tag[2].lower(), tag[3], text, position)
        elif text.startswith("<!--", start):
            comment = _COMMENT_END.search(text, start + 2)  # "<!-->" is a whole one
            position = comment.end() if comment else len(text)
        elif following and following in "!?/":
            end = text.find(">", start)
            if end < 0:
                events.data(text[start:])
            position = end + 1 if end >= 0 else len(text)
        else:
            events.data("<")
            position = start + 1
    events.data(text[position:])
    events.close()


class _Events:
    """Keeps which elements are open, so that what is told is in order."""

    def __init__(self, target: HtmlTarget) -> None:
        self._target = target
        self._open: list[str] = []
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._in_body = False
        self._without_end: set[str] = set()

    def start(self, name: str, attributes: str, text: str, position: int) -> int:
        """Begin an element whose start tag ends at the position; return where reading goes on."""
        if name in _SKELETON and self._counts[name]:
            return position
        if not self._in_body:
            self._place(name)
        self._target.start(name, _attributes(attributes) if attributes else {})
        if name in _VOID or attributes.endswith("/"):
            self._target.end(name)
            return position
        self._open.append(name)
        self._counts[name] += 1
        if name not in _RAW and name not in _TEXT_ONLY:
            return position
        found = None if name in self._without_end else re.compile(rf"</{name}(?=[\s/>])", re.I).search(text, position)
        if found is None and name in _TEXT_ONLY:
            self._without_end.add(name)  # not looked for again: the page may have very many of them
            return position
        end = found.start() if found else len(text)
        content = text[position:end]
        if content:
            self._target.data(_decoded(content) if name in _TEXT_ONLY else content)
        return end

    def end(self, name: str) -> None:
        """End the element and all that is open inside it; an end tag without a start tag ends nothing."""
        if name == "head":
            self._in_body = True
        if not self._counts[name]:
            if name in ("p", "br"):  # which stand for an empty element
                self._target.start(name, {})
                self._target.end(name)
            return
        while self._end_last() != name:
            pass

    def data(self, text: str) -> None:
        """Take text as it stands."""
        if not text:
            return
        if not self._in_body and not text.isspace() and self._open[-1:] in ([], ["html"], ["head"]):
            self._place("")
        self._target.data(_decoded(text) if "&" in text else text)

    def close(self) -> None:
        """End everything."""
        while self._open:
            self._end_last()

    def _place(self, name: str) -> None:
        """Begin or end the head where the page leaves out its tags."""
        if self._in_body or name in ("html", "head"):
            return
        if name in _OF_HEAD:
            if self._open[-1:] in ([], ["html"]):
                self._target.start("head", {})
                self._open.append("head")
                self._counts["head"] += 1
        elif self._open[-1:] in ([], ["html"], ["head"]):
            self._in_body = True
            if self._counts["head"]:
                self.end("head")

    def _end_last(self) -> str:
        name = self._open.pop()
        self._counts[name] -= 1
        self._target.end(name)
        return name


def _attributes(written: str) -> Mapping[str, str]:
    """Return the attributes; of two with the same name the first counts."""
    if not written.strip("/ \t\r\n\f"):
        return {}
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(written):
        found.setdefault(name.lower(), _decoded("".join(values)))
    return found


def _decoded(text: str) -> str:
    """Return the text with its references decoded; one to no character is the sign for that."""
    if "&" not in text:
        return text
    return html.unescape(_NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", _ZEROS.sub(r"&#\1", text)))


def _is_letter(text: str) -> bool:
    return text.isascii() and text.isalpha()
