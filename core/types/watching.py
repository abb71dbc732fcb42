"""What is watched, and for whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TermKind(StrEnum):
    """What a term is, and so which matcher looks for it."""

    PSEUDONYM = "pseudonym"
    NAME = "name"
    KEYWORD = "keyword"
    QUERY = "query"
    REGEX = "regex"
    DOMAIN = "domain"
    PASSAGE = "passage"


class MatchMode(StrEnum):
    """How far a term may stand off its value: to the letter, through folding, or with typos too."""

    EXACT = "exact"
    FOLDED = "folded"
    FUZZY = "fuzzy"


class Sensitivity(StrEnum):
    """How a watchlist trades quiet for recall."""

    STRICT = "strict"
    BALANCED = "balanced"
    WIDE = "wide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Why a name may be watched: ``kind`` is ``consent``, ``request``, ``guardian`` or ``organisation``."""

    kind: str
    recorded_by: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermSettings:
    """What the owner of a term said about it beyond its value.

    ``match`` None leaves the choice to the term's kind. ``needs_context``: the term counts only near
    the community's own names, a pack's words or another match. ``never``: texts in which it does not
    count. ``search_externally``: it may be sent to search services.
    """

    person: str | None = field(default=None, repr=False)
    match: MatchMode | None = None
    needs_context: bool = False
    never: tuple[str, ...] = field(default=(), repr=False)
    search_externally: bool = False
    expires_at: datetime | None = None
    basis: Basis | None = field(default=None, repr=False)
    note: str | None = field(default=None, repr=False)

    @property
    def ends_at(self) -> datetime | None:
        """When the term stops to count: it expires, or its basis does, whichever is first."""
        ends = [end for end in (self.expires_at, self.basis and self.basis.until) if end]
        return min(ends, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Something watched for. ``id`` is unique among all communities; ``reference`` is the identifier
    that the owner gave it (``t1``), unique within the community and shown in findings."""

    id: str
    reference: str
    watchlist_id: str
    kind: TermKind
    value: str = field(repr=False)
    variants: tuple[str, ...] = field(default=(), repr=False)
    settings: TermSettings = TermSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchlist:
    """A named group of terms with one sensitivity and the topic packs that count as context. What a test's finds is
    told as a test."""

    id: str
    community_id: str
    name: str
    sensitivity: Sensitivity = Sensitivity.BALANCED
    packs: tuple[str, ...] = ()
    is_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """A tenant. ``context`` is how the community itself is called outside."""

    id: str
    name: str
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A topic pack: phrases and queries that give a match its meaning. ``description`` tells admins what it is for, and
    ``not_for`` what it is not for. A phrase that ends with ``*`` stands for all that begin so."""

    name: str
    description: str
    not_for: str = ""
    phrases: tuple[str, ...]
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything watched at one moment, over all communities. ``revision`` grows with each change."""

    communities: tuple[Community, ...] = ()
    watchlists: tuple[Watchlist, ...] = ()
    terms: tuple[Term, ...] = ()
    packs: tuple[Pack, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueChange:
    """What became of a catalogue. ``communities`` and ``watchlists`` are all that there are at ``revision``;
    ``terms`` only those that were added or changed (with a watchlist's sensitivity all its terms change), and
    ``removed`` the ids of those that are gone."""

    revision: int
    communities: tuple[Community, ...]
    watchlists: tuple[Watchlist, ...]
    terms: tuple[Term, ...] = ()
    removed: frozenset[str] = frozenset()
