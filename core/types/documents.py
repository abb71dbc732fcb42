"""What is read, and the values that survive as JSON."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""A value that survives ``json.dumps`` and ``json.loads`` unchanged."""

JsonObject: TypeAlias = Mapping[str, Json]

FieldName: TypeAlias = Literal["title", "text", "author", "url"]
FIELD_NAMES: tuple[FieldName, ...] = ("title", "text", "author", "url")

_PRIMARY_SUBTAG = re.compile(r"[A-Za-z]{2,3}(?![A-Za-z0-9])")


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

    def cut(self, characters: int) -> Document:
        """Return the document with no more than so many characters of each of its fields; itself where none has
        more."""
        document = self
        for name in FIELD_NAMES:
            if len(self.field(name)) > characters:
                document = replace(document, **{str(name): self.field(name)[:characters]})  # type: ignore[arg-type]
        return document

    @property
    def primary_language(self) -> str | None:
        """The primary subtag of ``language`` (BCP 47) in small letters, such as ``en`` for ``en-US``; None where the
        document, which its author wrote, names none."""
        found = _PRIMARY_SUBTAG.match(self.language or "")
        return None if found is None else found[0].lower()

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
    (the place lists the newest 1,000 items and more came). ``failing`` says in such a sentence, which names none of
    the places that are configured, what part of the source cannot be read at present; while it does, the source counts
    as failing, though what the page gives is taken and its cursor kept. ``quota_left`` is how many requests the place,
    or a budget, still allows, where that is known. ``given_once`` says that the cursor alone keeps every
    version of a document from being given again: what matches nothing need not be remembered.
    ``silence_is_usual`` says that such a place may well give nothing for months while all is well (a search, a page
    that seldom changes): no trouble is suspected before it was heard of after its first day.
    """

    documents: tuple[Document, ...]
    cursor: JsonObject | None
    more: bool = False
    not_before: datetime | None = None
    gap: str | None = None
    failing: str | None = None
    quota_left: int | None = None
    given_once: bool = False
    silence_is_usual: bool = False
