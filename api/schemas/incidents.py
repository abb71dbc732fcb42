"""Incidents, their sightings, and the audit log."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field

from api.schemas.common import Answer, ChangesQuery, Id, Input, Items, Moment, Text, example
from api.schemas.terms import Value
from core.ports import IncidentFilter, Slice
from core.types import AlertClass, AuditEntry, Incident, IncidentState, Severity, Sighting, Snooze, Spread

_INCIDENT = {
    "id": "inc_4q6wk2m7c5x3",
    "watchlist_id": "wl_4q6wk2m7c5x3",
    "class": "linkage",
    "state": "open",
    "score": 88,
    "severity": "high",
    "first_seen_at": "2026-11-20T10:00:01Z",
    "last_seen_at": "2026-11-20T11:30:00Z",
    "updated_at": "2026-11-20T11:30:00Z",
    "sighting_count": 2,
    "site_count": 2,
    "assignee": None,
    "reason": None,
    "snooze": None,
}
_SIGHTING = {
    "id": "sgt_4q6wk2m7c5x3",
    "seen_at": "2026-11-20T10:00:01Z",
    "source": "Town forum",
    "published_at": "2026-11-20T09:58:00Z",
    "site": "forum.example",
    "last_seen_at": "2026-11-20T11:30:00Z",
    "removed_at": None,
    "returned_at": None,
}
_SPREAD = {"day_count": 2, "week_count": 2, "removed_count": 0}

Reason = Annotated[Text, Field(min_length=1, max_length=1000)]


class IncidentQuery(ChangesQuery):
    """Which incidents are wanted."""

    state: list[IncidentState] = Field(default=[], description="Only incidents in these states.")
    alert_class: list[AlertClass] = Field(default=[], alias="class", description="Only incidents of these classes.")
    minimum_severity: Severity | None = Field(None, description="Only incidents of this severity or a graver one.")
    watchlist: Text | None = Field(None, max_length=100, description="Only incidents of this watchlist.")
    delivery_id: Id | None = Field(None, description="Only incidents that this delivery tells of.")

    def wanted(self) -> IncidentFilter:
        """Return the filter as the store knows it."""
        return IncidentFilter(
            states=frozenset(self.state),
            classes=frozenset(self.alert_class),
            minimum_severity=self.minimum_severity,
            watchlist_id=self.watchlist,
            delivery_id=self.delivery_id,
        )


class Acknowledgement(Input):
    """Somebody takes the incident on."""

    model_config = ConfigDict(json_schema_extra=example(assignee="sam"))

    assignee: Text | None = Field(
        None, min_length=1, max_length=200, description="Who takes it on; without it, the name of the key."
    )


class Resolution(Input):
    """The leak is dealt with."""

    model_config = ConfigDict(json_schema_extra=example(reason="the site took the post down"))

    reason: Reason | None = Field(None, description="How it was dealt with. Do not write names here.")


class Never(Input):
    """A text in which a term does not count from now on."""

    model_config = ConfigDict(json_schema_extra=example(term_id="trm_4q6wk2m7c5x3", text="baltimore ravens"))

    term_id: Text = Field(max_length=100, description="The term that was found there.")
    text: Value = Field(description="The text in which it means something else.")


class Dismissal(Input):
    """It is no leak."""

    model_config = ConfigDict(
        json_schema_extra=example(
            reason="a football team", never=[{"term_id": "trm_4q6wk2m7c5x3", "text": "baltimore ravens"}]
        )
    )

    reason: Reason = Field(description="Why it is none. Do not write names here.")
    never: list[Never] = Field(
        default=[],
        max_length=20,
        description="Texts in which terms do not count from now on, lest it recurs.",
    )


class NewSnooze(Input):
    """Nobody is to be told of the incident for now. Whichever of what is chosen comes first ends that."""

    model_config = ConfigDict(json_schema_extra=example(until="2026-11-27T10:00:00Z", new_site=True))

    until: Moment | None = Field(None, description="Until this moment.")
    more_sightings: int | None = Field(None, ge=1, le=10_000, description="Until it was seen at so many more places.")
    new_site: bool = Field(False, description="Until it is seen on another site.")
    higher_severity: bool = Field(False, description="Until it becomes graver.")


class SnoozeView(Answer):
    """Until when nobody is told of an incident: whichever of these comes first."""

    model_config = ConfigDict(
        json_schema_extra=example(
            began_at="2026-11-20T10:00:00Z",
            until="2026-11-27T10:00:00Z",
            sighting_count=None,
            new_site=True,
            higher_severity=False,
        )
    )

    began_at: Moment = Field(description="Since when.")
    until: Moment | None = Field(description="Until this moment.")
    sighting_count: int | None = Field(description="Until it was seen at so many places in all.")
    new_site: bool = Field(description="Until it is seen on another site.")
    higher_severity: bool = Field(description="Until it becomes graver.")

    @classmethod
    def of(cls, snooze: Snooze) -> Self:
        """Return the snooze as it is shown."""
        return cls(
            began_at=snooze.began_at,
            until=snooze.until,
            sighting_count=snooze.sighting_count,
            new_site=snooze.new_site,
            higher_severity=snooze.higher_severity,
        )


class IncidentView(Answer):
    """One leak: every alert about it joins it."""

    model_config = ConfigDict(json_schema_extra=example(**_INCIDENT))

    id: str = Field(description="The incident's identifier.")
    watchlist_id: str = Field(description="Whose people are at risk.")
    alert_class: AlertClass = Field(alias="class", description="What kind of leak it is.")
    state: IncidentState = Field(description="Where it stands.")
    score: int = Field(description="The highest risk of its alerts, 0 to 100.")
    severity: Severity = Field(description="The band of the score.")
    first_seen_at: Moment = Field(description="When it was first seen.")
    last_seen_at: Moment = Field(description="When it was last seen.")
    updated_at: Moment = Field(description="When anything of it last changed.")
    sighting_count: int = Field(description="At how many places it was seen.")
    site_count: int = Field(description="On how many sites these are.")
    assignee: str | None = Field(description="Who has taken it on.")
    reason: str | None = Field(description="Why it was resolved or dismissed.")
    snooze: SnoozeView | None = Field(description="Until when nobody is told of it; null where it is not snoozed.")

    @classmethod
    def of(cls, incident: Incident) -> Self:
        """Return the incident as it is shown."""
        return cls(
            id=incident.id,
            watchlist_id=incident.watchlist_id,
            alert_class=incident.alert_class,
            state=incident.state,
            score=incident.score,
            severity=incident.severity,
            first_seen_at=incident.first_seen_at,
            last_seen_at=incident.last_seen_at,
            updated_at=incident.updated_at,
            sighting_count=incident.sighting_count,
            site_count=incident.site_count,
            assignee=incident.assignee,
            reason=incident.reason,
            snooze=SnoozeView.of(incident.snooze) if incident.snooze is not None and incident.is_snoozed else None,
        )


class SightingView(Answer):
    """One place and time at which an incident was seen. The alerts of the incident tell more of the place."""

    model_config = ConfigDict(json_schema_extra=example(**_SIGHTING))

    id: str = Field(description="The sighting's identifier.")
    seen_at: Moment = Field(description="When it was first seen there.")
    source: str | None = Field(description="The place it was seen at.")
    published_at: Moment | None = Field(description="When the document there was published, where known.")
    site: str | None = Field(description="The site it stands on, where known.")
    last_seen_at: Moment | None = Field(description="When it was last seen there.")
    removed_at: Moment | None = Field(description="When it was found removed there, if it was.")
    returned_at: Moment | None = Field(description="When it was seen there again, after it had been removed before.")

    @classmethod
    def of(cls, sighting: Sighting) -> Self:
        """Return the sighting as it is shown."""
        return cls(
            id=sighting.id,
            seen_at=sighting.seen_at,
            source=sighting.document.source,
            published_at=sighting.document.published_at,
            site=sighting.site,
            last_seen_at=sighting.last_seen_at,
            removed_at=sighting.removed_at,
            returned_at=sighting.returned_at,
        )


class SpreadView(Answer):
    """How fast a leak spreads."""

    model_config = ConfigDict(json_schema_extra=example(**_SPREAD))

    day_count: int = Field(description="At how many new places it was seen in the last day.")
    week_count: int = Field(description="At how many new places it was seen in the last seven days.")
    removed_count: int = Field(description="At how many of all places it was removed, as far as is known.")

    @classmethod
    def of(cls, spread: Spread) -> Self:
        """Return the spread as it is shown."""
        return cls(day_count=spread.day_count, week_count=spread.week_count, removed_count=spread.removed_count)


class IncidentWithSightings(IncidentView):
    """One leak, and the first places it was seen at."""

    model_config = ConfigDict(
        json_schema_extra=example(**_INCIDENT, spread=_SPREAD, sightings={"items": [_SIGHTING], "next_cursor": None})
    )

    spread: SpreadView = Field(description="How fast it spreads.")
    sightings: Items[SightingView] = Field(description="The first sightings; the cursor goes on in `…/sightings`.")

    @classmethod
    def with_sightings(cls, incident: Incident, spread: Spread, sightings: Slice[Sighting]) -> Self:
        """Return the incident with its spread and its sightings as they are shown."""
        shown = IncidentView.of(incident).model_dump(by_alias=True)
        return cls(**shown, spread=SpreadView.of(spread), sightings=Items[SightingView].of(sightings, SightingView.of))


class AuditEntryView(Answer):
    """Who did what, when. Identifiers only."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="aud_4q6wk2m7c5x3",
            actor="key_7x2mq5c4w6k3",
            action="alert.revealed",
            object_id="alt_4q6wk2m7c5x3",
            at="2026-11-20T10:00:00Z",
        )
    )

    id: str = Field(description="The entry's identifier.")
    actor: str = Field(description="Who did it: the identifier of an API key.")
    action: str = Field(description="What was done.")
    object_id: str = Field(description="To which object.")
    at: Moment = Field(description="When.")

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Return the entry as it is shown."""
        return cls(id=entry.id, actor=entry.actor, action=entry.action, object_id=entry.object_id, at=entry.at)
