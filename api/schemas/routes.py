"""Routes, and what they decide."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from api.schemas.common import Answer, Id, Input, Moment, Name, example
from core.types import AlertClass, Hold, HoldReason, Route, Routing, RoutingReason, Severity

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


class NewRoute(Input):
    """Which incidents lead to which destinations. What is left out takes all."""

    model_config = ConfigDict(
        json_schema_extra=example(
            name="Threats to the night shift",
            destination_ids=["dst_4q6wk2m7c5x3"],
            watchlist_ids=[],
            classes=["threat", "linkage"],
            languages=["es"],
            minimum_severity="high",
            wait_seconds=30,
            interval_seconds=300,
            repeat_seconds=14400,
        )
    )

    name: Name = Field(description="What people call this route.")
    destination_ids: list[Id] = Field(
        default=[], max_length=100, description="Where it leads. Without any, nobody is told of what it takes."
    )
    watchlist_ids: list[Id] = Field(
        default=[], max_length=1000, description="It takes incidents of these watchlists alone."
    )
    classes: list[AlertClass] = Field(
        default=[], max_length=len(AlertClass), description="It takes incidents of these classes alone."
    )
    languages: list[Language] = Field(
        default=[],
        max_length=100,
        description="It takes incidents seen in documents of these languages alone (ISO 639, such as `es`).",
    )
    minimum_severity: Severity = Field(Severity.INFO, description="The lowest severity that it takes.")
    wait_seconds: int = Field(
        0, ge=0, le=3600, description="How long the first of several notices waits for others, to be told together."
    )
    interval_seconds: int = Field(0, ge=0, le=7 * 24 * 3600, description="How long lies at least between two notices.")
    repeat_seconds: int | None = Field(
        None,
        ge=300,
        le=30 * 24 * 3600,
        description="After how long an incident is told again that nobody has acknowledged; null: never.",
    )


class RouteView(Answer):
    """A route."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="rte_4q6wk2m7c5x3",
            name="Threats to the night shift",
            destination_ids=["dst_4q6wk2m7c5x3"],
            watchlist_ids=[],
            classes=["linkage", "threat"],
            languages=["es"],
            minimum_severity="high",
            wait_seconds=30,
            interval_seconds=300,
            repeat_seconds=14400,
        )
    )

    id: str = Field(description="The route's identifier.")
    name: str = Field(description="What people call it.")
    destination_ids: list[str] = Field(description="Where it leads; nowhere, if empty: nobody is told.")
    watchlist_ids: list[str] = Field(description="Of which watchlists it takes incidents; of all, if empty.")
    classes: list[AlertClass] = Field(description="Of which classes it takes incidents; of all, if empty.")
    languages: list[str] = Field(description="In which languages it takes incidents; in all, if empty.")
    minimum_severity: Severity = Field(description="The lowest severity that it takes.")
    wait_seconds: int = Field(description="How long the first of several notices waits for others.")
    interval_seconds: int = Field(description="How long lies at least between two notices.")
    repeat_seconds: int | None = Field(description="After how long is told again what nobody has acknowledged.")

    @classmethod
    def of(cls, route: Route) -> Self:
        """Return the route as it is shown."""
        return cls(
            id=route.id,
            name=route.name,
            destination_ids=list(route.destination_ids),
            watchlist_ids=sorted(route.watchlist_ids),
            classes=sorted(route.classes),
            languages=sorted(route.languages),
            minimum_severity=route.minimum_severity,
            wait_seconds=route.wait_seconds,
            interval_seconds=route.interval_seconds,
            repeat_seconds=route.repeat_seconds,
        )


class DescribedIncident(Input):
    """An incident as routes see it."""

    model_config = ConfigDict(
        json_schema_extra=example(
            watchlist_id="wl_4q6wk2m7c5x3", **{"class": "linkage"}, severity="high", languages=["es"]
        )
    )

    watchlist_id: Id = Field(description="Its watchlist.")
    alert_class: AlertClass = Field(alias="class", description="Its class.")
    severity: Severity = Field(description="Its severity.")
    languages: list[Language] = Field(
        default=[], max_length=100, description="The languages of the documents it was seen in, as far as known."
    )


class RoutingQuestion(Input):
    """Who is told of an incident? Of one that exists, or of one that is only described."""

    model_config = ConfigDict(json_schema_extra=example(incident_id="inc_4q6wk2m7c5x3"))

    incident_id: Id | None = Field(None, description="The incident that exists.")
    described: DescribedIncident | None = Field(None, description="The incident that is only described.")

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.incident_id is None) is (self.described is None):
            raise ValueError("must have either incident_id or described")
        return self


class RoutingView(Answer):
    """Whether a destination is told of an incident, and why."""

    model_config = ConfigDict(
        json_schema_extra=example(
            destination_id="dst_4q6wk2m7c5x3",
            told=True,
            reason="by_route",
            route_ids=["rte_4q6wk2m7c5x3"],
            held_because="quiet_hours",
            held_until="2026-11-21T06:00:00Z",
        )
    )

    destination_id: str = Field(description="The destination.")
    told: bool = Field(description="Whether it is told.")
    reason: RoutingReason = Field(
        description="Why. `by_route`: a route leads there; `without_routes`: no route ever leads there, so it is told "
        "of all; `nobody_else`: nobody would be told, so everybody is; `switched_off`; `below_minimum_severity` of the "
        "destination; `taken_by_no_route` that leads there; `unwanted`: taken by a route that leads nowhere; "
        "`only_when_asked`: told when a moderator is asked."
    )
    route_ids: list[str] = Field(description="The routes that decided it.")
    held_because: HoldReason | None = Field(description="Why it would not be told now but later.")
    held_until: Moment | None = Field(description="Until when the notice would wait.")

    @classmethod
    def of(cls, routing: Routing, hold: Hold | None) -> Self:
        """Return what was decided as it is shown, and what would hold a notice now."""
        return cls(
            destination_id=routing.destination.id,
            told=routing.reason.is_told,
            reason=routing.reason,
            route_ids=[route.id for route in routing.routes],
            held_because=None if hold is None else hold.reason,
            held_until=None if hold is None else hold.until,
        )


class RoutingAnswer(Answer):
    """What is decided about every destination."""

    model_config = ConfigDict(
        json_schema_extra=example(
            destinations=[
                {
                    "destination_id": "dst_4q6wk2m7c5x3",
                    "told": True,
                    "reason": "by_route",
                    "route_ids": ["rte_4q6wk2m7c5x3"],
                    "held_because": None,
                    "held_until": None,
                }
            ]
        )
    )

    destinations: list[RoutingView] = Field(description="All destinations of the community.")
