"""The results in a mail of Google Alerts, by its microdata: each is a schema.org ``Article``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from sources.parsing.html_events import read_html

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
    read_html(html.replace("\0", ""), reader)
    for page in reader.pages:
        page.title, page.publisher, page.text = map(_line, (page.title, page.publisher, page.text))
    return [page for page in reader.pages if page.url and (page.title or page.text)]


class _Reader:
    """Takes the HTML as it comes."""

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
