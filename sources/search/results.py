"""What a query of a search service found, and the documents that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.types import Document
from sources.parsing.json_values import text_of
from sources.parsing.plain_text import html_to_text
from sources.polling.given import digest_of
from sources.transport.fetching import Answer

_LONGEST_TEXT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One thing that was found. ``text`` is what the service shows of it, as plain text, as long as it gave it."""

    url: str = field(repr=False)
    title: str | None = field(default=None, repr=False)
    text: str = field(default="", repr=False)
    author: str | None = field(default=None, repr=False)
    language: str | None = None
    published_at: datetime | None = None

    def digest(self) -> str:
        """Return what stands for the result as it is shown now: another where more or less of it is shown."""
        return digest_of(self.url, self.title or "", self.text)

    def document(self, source: str, fetched_at: datetime) -> Document:
        """Return the document of the source of this name."""
        external_id = digest_of(self.url)  # the address itself may hold a term, and ids stand in logs
        return Document(
            id=f"{source}:{external_id}",
            source=source,
            external_id=external_id,
            url=self.url,
            title=_line(self.title or "") or None,
            text=_line(self.text),
            author=self.author,
            language=self.language,
            published_at=self.published_at,
            fetched_at=fetched_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What one query found. ``gap`` says why the service looked at less than it should have."""

    results: Sequence[Result]
    answer: Answer
    gap: str | None = None


def address_of(value: object) -> str | None:
    """Return the web address that an answer may hold here, None for anything else."""
    address = text_of(value)
    return address if address is not None and address.startswith(("http://", "https://")) else None


def plain_text_of(value: object) -> str:
    """Return as plain text the HTML that an answer may hold here."""
    return html_to_text((text_of(value) or "")[:_LONGEST_TEXT]).text


def _line(text: str) -> str:
    return " ".join(text[:_LONGEST_TEXT].split())
