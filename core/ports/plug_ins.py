"""What a source, a matcher and a notifier must offer, and what they are given.

A plug-in is one class in one file. It names itself by ``kind``, carries a nested pydantic ``Settings`` and takes
``(settings, context)``. ``__init__`` raises :class:`core.errors.NotConfigured` with the reason where it cannot work
with what it was given. ``core.plugins`` finds and checks plug-ins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel

from core.clock import Clock
from core.ports.network import HttpClient
from core.types import (
    Candidate,
    FoldedDocument,
    JsonObject,
    Match,
    Notice,
    Page,
    Term,
    TermKind,
    Watchlist,
)

SEARCH_PRIORITIES: Mapping[TermKind, int] = {
    TermKind.PSEUDONYM: 3,
    TermKind.NAME: 3,
    TermKind.DOMAIN: 2,
    TermKind.KEYWORD: 1,
}
"""The kinds of terms that can be searched for elsewhere, and how much they matter: people first. The others are rules
of our own (queries, patterns) or concealed (passages), and no search service is told of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTerm:
    """A term that its owner lets be sent to search services (``search_externally``): its value alone, without aliases.

    A term of twice the ``priority`` of another is searched for twice as often.
    """

    id: str
    text: str = field(repr=False)
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """What a source is given besides its settings. ``name`` is how people call this source.

    ``search_terms`` are all the terms that a source may send anywhere: it knows of no others.
    """

    name: str
    http: HttpClient
    clock: Clock
    search_terms: tuple[SearchTerm, ...] = ()


@runtime_checkable
class Source(Protocol):
    """A place that is read. Pages come in an order in which stopping anywhere loses nothing."""

    kind: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]

    def __init__(self, settings: Any, context: SourceContext) -> None: ...

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return what is new since ``cursor`` (None at the first poll), at most one page of it.

        The same cursor gives the same or newer documents; a document is given again only when it changed.
        Raises SourceUnavailable or SourceBroken.
        """


@runtime_checkable
class Finder(Protocol):
    """Terms made ready for searching. Safe to use from several threads."""

    def find(self, batch: Sequence[FoldedDocument]) -> list[list[Match]]:
        """Return, for each document of the batch, its matches in order of their spans."""

    def explain(self, document: FoldedDocument) -> list[Candidate]:
        """Return the places that were looked at, those that failed too, the best first, at most 20 a term."""


@runtime_checkable
class Matcher(Protocol):
    """A way to look for terms of some kinds."""

    kind: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]
    term_kinds: ClassVar[frozenset[TermKind]]

    def __init__(self, settings: Any) -> None: ...

    def check(self, term: Term) -> None:
        """Raise UsageError where the term cannot be looked for (too short, does not parse)."""

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> Finder:
        """Return a finder for these terms, all of them of this matcher's kinds. ``watchlists`` maps
        each term's ``watchlist_id`` to its watchlist, for the sensitivity."""


@runtime_checkable
class Concealer(Protocol):
    """What a matcher offers besides where the values of its terms must not be kept as they were given."""

    def keyed(self, key: bytes) -> Matcher:
        """Return the matcher that conceals with this secret key (32 bytes), and knows what was concealed with it."""

    def conceal(self, term: Term) -> Term:
        """Return the term as it may be kept. Raises UsageError where it cannot be looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierContext:
    """What a notifier is given besides its settings."""

    http: HttpClient
    clock: Clock


@runtime_checkable
class Notifier(Protocol):
    """A channel to people or programs."""

    kind: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]

    def __init__(self, settings: Any, context: NotifierContext) -> None: ...

    async def send(self, notice: Notice) -> None:
        """Return when the other side has taken the notice. May be called again with the same one, and with the
        ``progress`` of the last DeliveryDeferred that had any.

        Raises DeliveryDeferred or DeliveryRefused.
        """
