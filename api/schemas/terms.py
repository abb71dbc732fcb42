"""Terms. What a term is worth protecting for stands in one part of it, which is shown only on request."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from api.schemas.common import Answer, Input, ListingQuery, Moment, Name, Text, example
from core.types import Basis, MatchMode, Term, TermKind, Verdicts

_BASIS = {"kind": "consent", "recorded_by": "admin", "until": "2027-06-30"}

Value = Annotated[Text, Field(min_length=1, max_length=20_000)]
Ending = Moment | date
"""A moment, or a date, which means the end of that day in UTC."""


class BasisFields(Input):
    """Why a name may be watched."""

    model_config = ConfigDict(json_schema_extra=example(**_BASIS))

    kind: Literal["consent", "request", "guardian", "organisation"] = Field(description="Who allowed it, and how.")
    recorded_by: Name = Field(description="Who recorded that.")
    until: Ending | None = Field(None, description="Until when it holds.")


class BareTerm(Input):
    """What decides where a term matches."""

    model_config = ConfigDict(json_schema_extra=example(kind="pseudonym", value="night_heron", aliases=["nheron"]))

    kind: TermKind = Field(description="What the value is.")
    value: Value = Field(description="What to look for.")
    aliases: list[Value] = Field(default=[], max_length=100, description="Other forms of the value.")
    match: MatchMode | None = Field(
        None, description="How far a match may stand off the value; each kind has a choice of its own."
    )
    needs_context: bool = Field(
        False, description="Whether it counts only near the community's own names, a pack's words or another match."
    )
    never: list[Value] = Field(default=[], max_length=100, description="Texts in which it does not count.")


class TermFields(BareTerm):
    """A term as a watchlist file has it."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="t2", kind="name", value="Maria Gonzalez", person="p1", basis=_BASIS, note="asked by letter"
        )
    )

    id: Name | None = Field(None, description="Your own identifier for it, shown in findings; else one is made.")
    person: Name | None = Field(None, description="Terms of the same person are a linkage together.")
    search_externally: bool = Field(False, description="Whether it may be sent to search services.")
    expires_at: Ending | None = Field(None, description="When it stops to count.")
    note: Text | None = Field(None, min_length=1, max_length=2000, description="A note for yourself.")
    basis: BasisFields | None = Field(None, description="Why it may be watched. A name needs one.")


class NewTerm(TermFields):
    """A term to add to a watchlist."""

    model_config = ConfigDict(
        json_schema_extra=example(
            watchlist_id="wl_4q6wk2m7c5x3", id="t2", kind="name", value="Maria Gonzalez", person="p1", basis=_BASIS
        )
    )

    watchlist_id: Text = Field(max_length=100, description="The watchlist it belongs to.")


class TermQuery(ListingQuery):
    """Which terms are wanted."""

    watchlist: Text | None = Field(None, max_length=100, description="Only terms of this watchlist.")
    reveal: bool = Field(False, description="Show the protected part too. Needs the scope `reveal`, and is audited.")


class BasisView(Answer):
    """Why a name is watched."""

    model_config = ConfigDict(
        json_schema_extra=example(kind="consent", recorded_by="admin", until="2027-06-30T23:59:59Z")
    )

    kind: str = Field(description="Who allowed it, and how.")
    recorded_by: str = Field(description="Who recorded that.")
    until: Moment | None = Field(description="Until when it holds.")

    @classmethod
    def of(cls, basis: Basis) -> Self:
        """Return the basis as it is shown."""
        return cls(kind=basis.kind, recorded_by=basis.recorded_by, until=basis.until)


class ProtectedTerm(Answer):
    """The part of a term that could expose somebody."""

    model_config = ConfigDict(
        json_schema_extra=example(
            value="Maria Gonzalez", aliases=[], person="p1", never=[], note=None, basis=_BASIS | {"until": None}
        )
    )

    value: str = Field(description="What is looked for.")
    aliases: list[str] = Field(description="Other forms of the value.")
    person: str | None = Field(description="Who it belongs to.")
    never: list[str] = Field(description="Texts in which it does not count.")
    note: str | None = Field(description="The owner's note.")
    basis: BasisView | None = Field(description="Why it may be watched.")

    @classmethod
    def of(cls, term: Term) -> Self:
        """Return the protected part as it is shown."""
        settings = term.settings
        return cls(
            value=term.value,
            aliases=list(term.variants),
            person=settings.person,
            never=list(settings.never),
            note=settings.note,
            basis=BasisView.of(settings.basis) if settings.basis else None,
        )


class VerdictsView(Answer):
    """What moderators said of the incidents that a term had a part in."""

    model_config = ConfigDict(json_schema_extra=example(leak_count=3, false_alarm_count=1, precision=0.75))

    leak_count: int = Field(description="How many were resolved: they were leaks.")
    false_alarm_count: int = Field(description="How many were dismissed: they were none.")
    precision: float | None = Field(description="The share of leaks, 0 to 1; null where nobody has said anything yet.")

    @classmethod
    def of(cls, verdicts: Verdicts) -> Self:
        """Return the verdicts as they are shown."""
        return cls(
            leak_count=verdicts.leak_count,
            false_alarm_count=verdicts.false_alarm_count,
            precision=verdicts.precision,
        )


class TermView(Answer):
    """A term; its protected part is there only where it was asked for."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="trm_4q6wk2m7c5x3",
            reference="t2",
            watchlist_id="wl_4q6wk2m7c5x3",
            kind="name",
            match=None,
            needs_context=False,
            search_externally=False,
            expires_at=None,
            verdicts={"leak_count": 3, "false_alarm_count": 1, "precision": 0.75},
            protected=None,
        )
    )

    id: str = Field(description="The term's identifier.")
    reference: str = Field(description="The owner's own identifier, shown in findings.")
    watchlist_id: str = Field(description="The watchlist it belongs to.")
    kind: TermKind = Field(description="What the value is.")
    match: MatchMode | None = Field(description="How far a match may stand off the value.")
    needs_context: bool = Field(description="Whether it counts only in context.")
    search_externally: bool = Field(description="Whether it may be sent to search services.")
    expires_at: Moment | None = Field(description="When it stops to count.")
    verdicts: VerdictsView = Field(description="How often it was right.")
    protected: ProtectedTerm | None = Field(description="Value, person and basis; null unless revealed.")

    @classmethod
    def of(cls, term: Term, verdicts: Verdicts, *, reveal: bool = False) -> Self:
        """Return the term as it is shown, with its protected part where ``reveal`` says so."""
        return cls(
            id=term.id,
            reference=term.reference,
            watchlist_id=term.watchlist_id,
            kind=term.kind,
            match=term.settings.match,
            needs_context=term.settings.needs_context,
            search_externally=term.settings.search_externally,
            expires_at=term.settings.expires_at,
            verdicts=VerdictsView.of(verdicts),
            protected=ProtectedTerm.of(term) if reveal else None,
        )
