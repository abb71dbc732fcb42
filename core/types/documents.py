"""What is read, and the values that survive as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""A value that survives ``json.dumps`` and ``json.loads`` unchanged."""

JsonObject: TypeAlias = Mapping[str, Json]

FieldName: TypeAlias = Literal["title", "text", "author", "url"]
FIELD_NAMES: tuple[FieldName, ...] = ("title", "text", "author", "url")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One post, comment, page, mail or paste, as the source gave it.

    ``id`` names the document in findings and logs (for a crawled document ``source:external_id``);
    ``source`` is the place it came from as shown to people; ``external_id`` is the place's own
    identifier. Times are aware UTC.
    """

    id: str
    text: str = field(repr=False)
    source: str | None = None
    external_id: str | None = None
    url: str | None = field(default=None, repr=False)
    author: str | None = field(default=None, repr=False)
    title: str | None = field(default=None, repr=False)
    language: str | None = None
    published_at: datetime | None = None
    fetched_at: datetime | None = None

    def field(self, name: FieldName) -> str:
        """Return the original text of the named field, empty where the document has none."""
        return getattr(self, name) or ""

    @property
    def content_hash(self) -> str:
        """SHA-256 (hexadecimal) over title and text: equal for equal content, wherever it stands."""
        content = f"{self.title or ''}\0{self.text}"
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one poll of a source gave.

    ``cursor`` is where the next poll goes on: JSON that the source alone understands, stored in the
    same transaction as what came of the documents. ``more`` asks for another poll at once.
    ``not_before`` is the earliest next poll that the place asked for (Retry-After), if it did.
    ``gap`` says in a sentence, which quotes nothing, why something since the last poll is lost for sure
    (the place lists the newest 1,000 items and more came). ``quota_left`` is how many requests the place,
    or a budget, still allows, where that is known. ``given_once`` says that the cursor alone keeps every
    version of a document from being given again: what matches nothing need not be remembered.
    """

    documents: tuple[Document, ...]
    cursor: JsonObject | None
    more: bool = False
    not_before: datetime | None = None
    gap: str | None = None
    quota_left: int | None = None
    given_once: bool = False
