"""The results in a mail of Google Alerts, by its microdata: each is a schema.org ``Article``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from lxml import etree  # type: ignore[import-untyped]

SENDER = "googlealerts-noreply@google.com"

_ARTICLE = "schema.org/Article"
_REDIRECT = ("www.google.com", "/url")


@dataclass(slots=True)
class AlertedPage:
    """One result: its address, title, who published it, and the stretch of text that Google shows."""

    url: str = field(default="", repr=False)
    title: str = field(default="", repr=False)
    publisher: str = field(default="", repr=False)
    text: str = field(default="", repr=False)


def alerted_pages(html: str) -> list[AlertedPage]:
    """Return the results in the HTML of a mail, none where it is not built like an alert."""
    reader = _Reader()
    parser = etree.HTMLParser(encoding="utf-8", remove_pis=True, huge_tree=True, target=reader)
    etree.fromstring(html.replace("\0", "").encode("utf-8", "replace") or b"<p>", parser=parser)
    for page in reader.pages:
        page.title, page.publisher, page.text = map(_line, (page.title, page.publisher, page.text))
    return [page for page in reader.pages if page.url and (page.title or page.text)]


class _Reader:
    """Takes the HTML from the parser as it comes; makes no tree (see ``sources.parsing.plain_text``)."""

    def __init__(self) -> None:
        self.pages: list[AlertedPage] = []
        self._open: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if attributes.get("itemtype", "").endswith(_ARTICLE):
            self.pages.append(AlertedPage())
        said = attributes.get("itemprop", "")
        self._open.append(said)
        if self.pages and name == "a" and said == "url":
            self.pages[-1].url = self.pages[-1].url or _target(attributes.get("href", ""))

    def end(self, _: str) -> None:
        if self._open:
            self._open.pop()

    def data(self, text: str) -> None:
        if not self.pages:
            return
        page = self.pages[-1]
        if "description" in self._open:
            page.text += text
        elif "publisher" in self._open:
            page.publisher += text
        elif "name" in self._open:
            page.title += text

    def close(self) -> None:
        """Nothing: a parser calls it."""


def _target(link: str) -> str:
    """Return where the link leads, past Google's counting redirect."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    if (parts.hostname, parts.path) == _REDIRECT:
        link = parse_qs(parts.query).get("url", [""])[0]
    return link if link.startswith(("http://", "https://")) else ""


def _line(text: str) -> str:
    return " ".join(text.split())
