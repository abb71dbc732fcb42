"""Rotations: who is on call when."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from api.schemas.common import (
    Answer,
    Id,
    Input,
    Moment,
    Name,
    PlannedDay,
    PlannedMoment,
    TimeOfDay,
    TimeZone,
    example,
)
from core.types import Override, Rotation, Severity

MOST_MODERATORS = 50
LONGEST_SHIFT_DAYS = 366
LONGEST_MINUTES = 7 * 24 * 60

Minutes = Annotated[int, Field(ge=1, le=LONGEST_MINUTES)]


class NewRotation(Input):
    """The order in which moderators are on call."""

    model_config = ConfigDict(
        json_schema_extra=example(
            name="Nights",
            moderators=["mod_4q6wk2m7c5x3", "mod_7c5x3nd2abz6"],
            starts_on="2026-11-23",
            handover_at="09:00",
            time_zone="Europe/Berlin",
            shift_days=7,
            minimum_severity="high",
            critical_minutes=15,
            other_minutes=60,
        )
    )

    name: Name = Field(description="What people call it.")
    moderators: list[Id] = Field(
        min_length=1, max_length=MOST_MODERATORS, description="The moderators, in the order of their turns."
    )
    starts_on: PlannedDay = Field(description="The day on which the first of them takes over.")
    handover_at: TimeOfDay = Field(
        "09:00", description="The time of day at which the next takes over, by the clocks of the time zone."
    )
    time_zone: TimeZone = Field("UTC", description="The time zone of the handover.")
    shift_days: int = Field(7, ge=1, le=LONGEST_SHIFT_DAYS, description="How many days each is on call.")
    minimum_severity: Severity = Field(
        Severity.HIGH, description="The lowest severity of an incident for which somebody is asked."
    )
    critical_minutes: Minutes = Field(
        15, description="How long whoever is asked has to acknowledge a critical incident before the next is asked."
    )
    other_minutes: Minutes = Field(60, description="How long they have to acknowledge any other.")

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len(set(self.moderators)) < len(self.moderators):
            raise ValueError("moderators must name each moderator once")
        return self


class NewOverride(Input):
    """That a moderator is not on call for a while."""

    model_config = ConfigDict(
        json_schema_extra=example(
            moderator="mod_4q6wk2m7c5x3",
            from_at="2026-12-24T00:00:00Z",
            until_at="2026-12-27T00:00:00Z",
            substitute="mod_7c5x3nd2abz6",
        )
    )

    moderator: Id = Field(description="Who is absent.")
    from_at: PlannedMoment = Field(description="From when on.")
    until_at: PlannedMoment = Field(description="Until when, that moment not included.")
    substitute: Id | None = Field(
        None, description="Who takes their shifts meanwhile; the next in the rotation without it."
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.until_at <= self.from_at:
            raise ValueError("until_at must be later than from_at")
        if self.substitute == self.moderator:
            raise ValueError("substitute must be somebody else")
        return self


class OverrideView(Answer):
    """That a moderator is not on call for a while."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="ovr_4q6wk2m7c5x3",
            moderator="mod_4q6wk2m7c5x3",
            from_at="2026-12-24T00:00:00Z",
            until_at="2026-12-27T00:00:00Z",
            substitute="mod_7c5x3nd2abz6",
        )
    )

    id: str = Field(description="The override's identifier.")
    moderator: str = Field(description="Who is absent.")
    from_at: Moment = Field(description="From when on.")
    until_at: Moment = Field(description="Until when, that moment not included.")
    substitute: str | None = Field(description="Who takes their shifts meanwhile.")

    @classmethod
    def of(cls, override: Override) -> Self:
        """Return the override as it is shown."""
        return cls(
            id=override.id,
            moderator=override.moderator_id,
            from_at=override.from_at,
            until_at=override.until_at,
            substitute=override.substitute_id,
        )


class RotationView(Answer):
    """The order in which moderators are on call."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="rot_4q6wk2m7c5x3",
            name="Nights",
            moderators=["mod_4q6wk2m7c5x3", "mod_7c5x3nd2abz6"],
            starts_on="2026-11-23",
            handover_at="09:00",
            time_zone="Europe/Berlin",
            shift_days=7,
            minimum_severity="high",
            critical_minutes=15,
            other_minutes=60,
            overrides=[],
        )
    )

    id: str = Field(description="The rotation's identifier.")
    name: str = Field(description="What people call it.")
    moderators: list[str] = Field(description="The moderators, in the order of their turns.")
    starts_on: date = Field(description="The day on which the first of them takes over.")
    handover_at: str = Field(description="The time of day at which the next takes over.")
    time_zone: str = Field(description="The time zone of the handover.")
    shift_days: int = Field(description="How many days each is on call.")
    minimum_severity: Severity = Field(description="The lowest severity for which somebody is asked.")
    critical_minutes: int = Field(description="How long they have to acknowledge a critical incident.")
    other_minutes: int = Field(description="How long they have to acknowledge any other.")
    overrides: list[OverrideView] = Field(description="Who is absent when, but for what is past.")

    @classmethod
    def of(cls, rotation: Rotation) -> Self:
        """Return the rotation as it is shown."""
        return cls(
            id=rotation.id,
            name=rotation.name,
            moderators=list(rotation.moderator_ids),
            starts_on=rotation.starts_on,
            handover_at=rotation.handover_at.isoformat("minutes"),
            time_zone=rotation.time_zone,
            shift_days=rotation.shift_days,
            minimum_severity=rotation.minimum_severity,
            critical_minutes=rotation.critical_minutes,
            other_minutes=rotation.other_minutes,
            overrides=[OverrideView.of(one) for one in rotation.overrides],
        )


class OnCallQuery(Input):
    """For when it is asked who is on call."""

    at: PlannedMoment | None = Field(None, description="The moment; now without it.", examples=["2026-12-24T12:00:00Z"])

    model_config = ConfigDict(json_schema_extra=example(at="2026-12-24T12:00:00Z"))


class OnCallView(Answer):
    """Who is on call."""

    model_config = ConfigDict(
        json_schema_extra=example(
            at="2026-12-24T12:00:00Z",
            moderator="mod_7c5x3nd2abz6",
            order=["mod_7c5x3nd2abz6"],
            shift_ends_at="2026-12-28T08:00:00Z",
        )
    )

    at: Moment = Field(description="The moment that was asked for.")
    moderator: str = Field(description="Who is on call then.")
    order: list[str] = Field(description="Who is asked one after another then, if nobody acknowledges.")
    shift_ends_at: Moment = Field(description="When the shift ends.")
