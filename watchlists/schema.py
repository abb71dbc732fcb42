"""What may stand in a watchlist file, and the sentence for everything that may not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from core.types import Basis, MatchMode, Sensitivity, Term, TermKind, TermSettings, Watchlist

VERSION: Literal[1] = 1
END_OF_DAY = time(23, 59, 59, tzinfo=UTC)
_BASIS_EXAMPLE = "basis: {kind: consent, recorded_by: your name, until: 2027-06-30}"


@dataclass
class Known:
    """What validation looks things up in: the topic packs that exist, and what the file has used so far."""

    packs: frozenset[str]
    ids: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


def _moment(value: object) -> object:
    if value is None or isinstance(value, datetime):
        return value
    try:
        text = value if isinstance(value, str) else ""
        if len(text) == len("2027-06-30"):
            return datetime.combine(date.fromisoformat(text), END_OF_DAY)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a date such as 2027-06-30, or a time such as 2027-06-30T18:00:00Z") from None


def _written(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return (moment.date() if moment.timetz() == END_OF_DAY else moment).isoformat()


def _known(info: ValidationInfo) -> Known:
    known: Known = info.context  # type: ignore[assignment]  # validation without it is a mistake of ours
    return known


def _existing_pack(name: str, info: ValidationInfo) -> str:
    packs = _known(info).packs
    if name not in packs:
        raise ValueError(f"is no topic pack; {_choices(name, packs)}")
    return name


def _choices(given: object, allowed: Iterable[str]) -> str:
    """Offer the nearest of the allowed words where one is near, else all; the given word is not repeated."""
    words = sorted(allowed)
    near = get_close_matches(str(given), words, n=1)
    return f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(words)}"


Text = Annotated[str, StringConstraints(min_length=1)]
PackName = Annotated[Text, AfterValidator(_existing_pack)]
Moment = Annotated[datetime | None, BeforeValidator(_moment), PlainSerializer(_written)]
"""A date means the end of that day, UTC; a time must say its offset."""


class _Entry(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, str_strip_whitespace=True, hide_input_in_errors=True
    )


class BasisEntry(_Entry):
    """Why a name may be watched."""

    kind: Literal["consent", "request", "guardian", "organisation"]
    recorded_by: Text
    until: Moment = None


class TermEntry(_Entry):
    """One term, with what FORMATS.md allows on it."""

    id: Text | None = None
    kind: Annotated[TermKind, Field(strict=False)]
    value: Text
    aliases: list[Text] | None = None
    person: Text | None = None
    match: Annotated[MatchMode | None, Field(strict=False)] = None
    needs_context: bool = False
    never: list[Text] | None = None
    search_externally: bool = False
    expires_at: Moment = None
    note: Text | None = None
    basis: BasisEntry | None = None

    @field_validator("id")
    @classmethod
    def _check_id(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and value in _known(info).ids:
            raise ValueError("is the id of an earlier term; every term needs its own")
        _known(info).ids.add(value or "")
        return value

    @model_validator(mode="after")
    def _check_basis(self) -> TermEntry:
        if self.kind is TermKind.NAME and self.basis is None:
            raise ValueError(
                "is a name, which may be watched only on a recorded basis; add who allowed it and until "
                f"when, for example {_BASIS_EXAMPLE} (kinds: consent, request, guardian, organisation)",
            )
        return self

    @classmethod
    def of(cls, term: Term) -> TermEntry:
        """Return the entry that gives the term again."""
        settings, basis = term.settings, term.settings.basis
        return cls.model_construct(
            id=term.reference,
            kind=term.kind,
            value=term.value,
            aliases=list(term.variants) or None,
            person=settings.person,
            match=settings.match,
            needs_context=settings.needs_context,
            never=list(settings.never) or None,
            search_externally=settings.search_externally,
            expires_at=settings.expires_at,
            note=settings.note,
            basis=BasisEntry.model_construct(**asdict(basis)) if basis else None,
        )

    def term(self, reference: str, watchlist_id: str) -> Term:
        """Return the term; its id is its reference."""
        return Term(
            id=reference,
            reference=reference,
            watchlist_id=watchlist_id,
            kind=self.kind,
            value=self.value,
            variants=tuple(self.aliases or ()),
            settings=TermSettings(
                person=self.person,
                match=self.match,
                needs_context=self.needs_context,
                never=tuple(self.never or ()),
                search_externally=self.search_externally,
                expires_at=self.expires_at,
                note=self.note,
                basis=Basis(**dict(self.basis)) if self.basis else None,
            ),
        )


class WatchlistEntry(_Entry):
    """One watchlist and its terms."""

    name: Text
    sensitivity: Annotated[Sensitivity, Field(strict=False)] = Sensitivity.BALANCED
    packs: list[PackName] | None = None
    terms: list[TermEntry] | None = None

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str, info: ValidationInfo) -> str:
        if value in _known(info).names:
            raise ValueError("is the name of an earlier watchlist; give it another")
        _known(info).names.add(value)
        return value

    @classmethod
    def of(cls, watchlist: Watchlist, terms: Iterable[Term]) -> WatchlistEntry:
        """Return the entry that gives the watchlist and its terms again."""
        return cls.model_construct(
            name=watchlist.name,
            sensitivity=watchlist.sensitivity,
            packs=list(watchlist.packs) or None,
            terms=[TermEntry.of(term) for term in terms],
        )

    def watchlist(self, community_id: str) -> Watchlist:
        """Return the watchlist; its id is its name."""
        return Watchlist(
            id=self.name,
            community_id=community_id,
            name=self.name,
            sensitivity=self.sensitivity,
            packs=tuple(self.packs or ()),
        )


class FileEntry(_Entry):
    """The whole file."""

    version: Literal[1]
    community: Text
    context: list[Text] | None = None
    watchlists: list[WatchlistEntry]


_ENTRY_OF_KEY: Mapping[str, type[_Entry]] = {"watchlists": WatchlistEntry, "terms": TermEntry, "basis": BasisEntry}


def sentence(row: ErrorDetails) -> str:
    """Return what is wrong and what to do, for one of pydantic's errors. Quotes no value."""
    keys = [step for step in row["loc"] if isinstance(step, str)]
    key = keys[-1] if keys else "the file"
    if row["loc"] and isinstance(row["loc"][-1], int):
        key = f"an entry of {key}"
    match row["type"]:
        case "extra_forbidden":
            entry = _ENTRY_OF_KEY[keys[-2]] if len(keys) > 1 else FileEntry
            near = get_close_matches(key, entry.model_fields, n=1)
            if near:
                return f"unknown key '{key}': did you mean '{near[0]}'?"
            return f"unknown key; here may stand: {', '.join(entry.model_fields)}"
        case "missing":
            return f"{key} is missing" + (f"; write {key}: {VERSION}" if key == "version" else "")
        case "string_type" if row["input"] is None:
            return f"{key} is empty (a value that begins with # needs quotes)"
        case "string_type" if isinstance(row["input"], dict | list):
            return f"{key} must be text"
        case "string_type":
            return f'{key} must be text, and this reads as a number or as yes/no: put it in quotes, as in "1234"'
        case "string_too_short":
            return f"{key} is empty"
        case "list_type":
            return f"{key} must be a list, such as [one, two]"
        case "bool_type":
            return f"{key} must be true or false"
        case "model_type" | "model_attributes_type":
            return f"{key} must hold keys with values"
        case "enum" | "literal_error":
            allowed = re.findall(r"[^ ',]+", row["ctx"]["expected"].replace(" or ", " "))
            return f"{key} has a value that is not known; {_choices(row['input'], allowed)}"
        case "value_error":
            return f"{key} {row['ctx']['error']}"
        case _:
            return f"{key}: {row['msg']}"
