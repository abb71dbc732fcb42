"""Destinations and deliveries."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field

from api.schemas.common import Answer, Input, ListingQuery, Moment, Name, PluginSettings, Text, example
from api.schemas.digests import DigestView
from core.types import (
    Attempt,
    AttemptOutcome,
    Delivery,
    DeliveryState,
    Destination,
    Detail,
    EventType,
    HoldReason,
    Severity,
)


class NewDestination(Input):
    """A place to send notices to."""

    model_config = ConfigDict(
        json_schema_extra=example(
            kind="webhook",
            name="Moderators",
            settings={"url": "https://hooks.example/leakwatch", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
            detail="redacted",
            minimum_severity="medium",
            no_quotes=False,
            only_when_asked=False,
        )
    )

    kind: Name = Field(description="Which channel it is.")
    name: Name = Field(description="What people call this destination.")
    settings: PluginSettings = Field(
        default={}, description="What this channel needs, such as an address or a secret. Never shown again."
    )
    detail: Detail = Field(
        Detail.REDACTED, description="How much it is told. `full` shows protected names: needs the scope `reveal`."
    )
    minimum_severity: Severity = Field(Severity.MEDIUM, description="The lowest severity that it is told of.")
    no_quotes: bool = Field(False, description="Whether what strangers wrote is left out of what is sent there.")
    only_when_asked: bool = Field(
        False,
        description="Whether it is told only of incidents that a moderator who is reached there is asked to take on, "
        "and of those that a route leads there.",
    )


class DestinationView(Answer):
    """A destination, without the values of its settings."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="dst_4q6wk2m7c5x3",
            kind="webhook",
            name="Moderators",
            setting_names=["secret", "url"],
            detail="redacted",
            minimum_severity="medium",
            no_quotes=False,
            only_when_asked=False,
            enabled=True,
            failing_since="2026-11-20T10:00:00Z",
            retry_at="2026-11-20T10:07:35Z",
            last_error="the webhook answered with status 503",
            disabled_because=None,
            digest=None,
        )
    )

    id: str = Field(description="The destination's identifier.")
    kind: str = Field(description="Which channel it is.")
    name: str = Field(description="What people call it.")
    setting_names: list[str] = Field(description="Which settings it was given; their values may be credentials.")
    detail: Detail = Field(description="How much it is told.")
    minimum_severity: Severity = Field(description="The lowest severity that it is told of.")
    no_quotes: bool = Field(description="Whether what strangers wrote is left out of what is sent there.")
    only_when_asked: bool = Field(
        description="Whether it is told only of incidents that a moderator who is reached there is asked to take on, "
        "and of those that a route leads there."
    )
    enabled: bool = Field(description="Whether notices are sent to it.")
    failing_since: Moment | None = Field(description="Since when it has taken nothing, though it was tried.")
    retry_at: Moment | None = Field(description="Before this moment nothing is sent to it.")
    last_error: str | None = Field(description="Why it did not take the last notice.")
    disabled_because: str | None = Field(
        description="Why it was switched off, where nobody but Leakwatch did that. Switch it on once it works again."
    )

    digest: DigestView | None = Field(description="When it is sent a digest; null where it is told everything at once.")

    @classmethod
    def of(cls, destination: Destination) -> Self:
        """Return the destination as it is shown."""
        return cls(
            id=destination.id,
            kind=destination.kind,
            name=destination.name,
            setting_names=sorted(destination.settings),
            detail=destination.detail,
            minimum_severity=destination.minimum_severity,
            no_quotes=destination.no_quotes,
            only_when_asked=destination.only_when_asked,
            enabled=destination.enabled,
            failing_since=destination.health.failing_since,
            retry_at=destination.health.retry_at,
            last_error=destination.health.last_error,
            disabled_because=destination.health.disabled_because,
            digest=None if destination.digest is None else DigestView.of(destination.digest),
        )


class DeliveryQuery(ListingQuery):
    """Which deliveries are wanted."""

    state: DeliveryState | None = Field(None, description="Only deliveries in this state.")
    destination: Text | None = Field(None, max_length=100, description="Only deliveries to this destination.")


class DeliveryView(Answer):
    """One notice to one destination."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="dlv_4q6wk2m7c5x3",
            destination_id="dst_4q6wk2m7c5x3",
            incident_id="inc_4q6wk2m7c5x3",
            source_id=None,
            about_destination_id=None,
            event="incident.opened",
            sequence=12,
            idempotency_key="msg_4q6wk2m7c5x3",
            state="dead",
            attempts=9,
            created_at="2026-11-20T10:00:00Z",
            next_attempt_at=None,
            delivered_at=None,
            last_error="the receiver answered with status 500",
            held_because=None,
        )
    )

    id: str = Field(description="The delivery's identifier.")
    destination_id: str = Field(description="Where it goes.")
    incident_id: str | None = Field(description="The incident that it is about, if it is about one.")
    source_id: str | None = Field(description="The source that it is about, if it is about one.")
    about_destination_id: str | None = Field(description="The destination that it is about, if it is about one.")
    event: EventType = Field(description="What it tells.")
    sequence: int = Field(description="Its number among the destination's deliveries, from 1.")
    idempotency_key: str = Field(description="What the receiver sees as its identifier, the same at every attempt.")
    state: DeliveryState = Field(
        description="Where it stands. `held`: waits, out of line; `dead`: given up; it can be replayed; `overtaken`: "
        "not sent, as it had ceased to be true while it waited; `grouped`: told together with others, by another."
    )
    attempts: int = Field(description="How often it was tried.")
    created_at: Moment = Field(description="When it was planned.")
    next_attempt_at: Moment | None = Field(description="When it is tried next.")
    delivered_at: Moment | None = Field(description="When it was taken.")
    last_error: str | None = Field(description="Why the last attempt failed.")
    held_because: HoldReason | None = Field(description="Why it waits, or waited last.")

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Return the delivery as it is shown."""
        return cls(
            id=delivery.id,
            destination_id=delivery.destination_id,
            incident_id=delivery.incident_id,
            source_id=delivery.source_id,
            about_destination_id=delivery.about_destination_id,
            event=delivery.event,
            sequence=delivery.sequence,
            idempotency_key=delivery.idempotency_key,
            state=delivery.state,
            attempts=delivery.attempts,
            created_at=delivery.created_at,
            next_attempt_at=delivery.next_attempt_at,
            delivered_at=delivery.delivered_at,
            last_error=delivery.last_error,
            held_because=delivery.held_because,
        )


class AttemptView(Answer):
    """One attempt at a delivery."""

    model_config = ConfigDict(
        json_schema_extra=example(
            number=1,
            at="2026-11-20T10:00:00Z",
            outcome="deferred",
            status=503,
            duration_seconds=0.241,
            error="the webhook answered with status 503",
        )
    )

    number: int = Field(description="Its number among the attempts, from 1; anew after a replay.")
    at: Moment = Field(description="When it ended.")
    outcome: AttemptOutcome = Field(
        description="What came of it. `deferred`: tried again; `refused`: given up after three times; `gone`: the "
        "destination was switched off."
    )
    status: int | None = Field(description="What the other side answered, where it refused or deferred by a status.")
    duration_seconds: float = Field(description="How long it took.")
    error: str | None = Field(description="Why it failed.")

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Return the attempt as it is shown."""
        return cls(
            number=attempt.number,
            at=attempt.at,
            outcome=attempt.outcome,
            status=attempt.status,
            duration_seconds=attempt.duration_seconds,
            error=attempt.error,
        )
