"""Quiet hours and maintenance windows."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from api.schemas.common import Answer, Id, Input, Moment, PlannedMoment, Text, TimeOfDay, TimeZone, example
from core.types import MaintenanceWindow, QuietHours, Weekday


class NewQuietHours(Input):
    """When a destination is not disturbed."""

    model_config = ConfigDict(
        json_schema_extra=example(
            destination_id="dst_4q6wk2m7c5x3",
            days=["monday", "tuesday", "wednesday", "thursday", "sunday"],
            from_time="22:00",
            until_time="07:00",
            time_zone="Europe/Berlin",
        )
    )

    destination_id: Id = Field(description="The destination.")
    days: list[Weekday] = Field(
        default=list(Weekday), min_length=1, max_length=7, description="On which days they begin; every day without."
    )
    from_time: TimeOfDay = Field(description="When they begin, as clocks show it there.")
    until_time: TimeOfDay = Field(
        description="When they end; on the day after, where it is not later than when they begin."
    )
    time_zone: TimeZone = Field(description="Whose clocks count.")


class QuietHoursView(Answer):
    """When a destination is not disturbed."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="qth_4q6wk2m7c5x3",
            destination_id="dst_4q6wk2m7c5x3",
            days=["monday", "tuesday", "wednesday", "thursday", "sunday"],
            from_time="22:00",
            until_time="07:00",
            time_zone="Europe/Berlin",
        )
    )

    id: str = Field(description="The identifier of these quiet hours.")
    destination_id: str = Field(description="The destination.")
    days: list[Weekday] = Field(description="On which days they begin.")
    from_time: str = Field(description="When they begin, as clocks show it there.")
    until_time: str = Field(description="When they end; on the day after, where it is not later than when they begin.")
    time_zone: str = Field(description="Whose clocks count.")

    @classmethod
    def of(cls, hours: QuietHours) -> Self:
        """Return the quiet hours as they are shown."""
        return cls(
            id=hours.id,
            destination_id=hours.destination_id,
            days=[day for day in Weekday if day in hours.days],
            from_time=hours.from_time.isoformat("minutes"),
            until_time=hours.until_time.isoformat("minutes"),
            time_zone=hours.time_zone,
        )


class NewMaintenanceWindow(Input):
    """A time in which nothing is sent."""

    model_config = ConfigDict(
        json_schema_extra=example(
            destination_id=None,
            from_at="2026-11-20T20:00:00Z",
            until_at="2026-11-20T22:00:00Z",
            reason="the chat server moves",
        )
    )

    destination_id: Id | None = Field(None, description="To which destination; to none of the community's without it.")
    from_at: PlannedMoment | None = Field(None, description="When it begins; now without it.")
    until_at: PlannedMoment = Field(description="When it ends.")
    reason: Text = Field(min_length=1, max_length=1000, description="Why. Do not write names here.")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.from_at is not None and self.until_at <= self.from_at:
            raise ValueError("until_at must be later than from_at")
        return self


class MaintenanceWindowView(Answer):
    """A time in which nothing is sent."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="mnt_4q6wk2m7c5x3",
            destination_id=None,
            from_at="2026-11-20T20:00:00Z",
            until_at="2026-11-20T22:00:00Z",
            reason="the chat server moves",
        )
    )

    id: str = Field(description="The window's identifier.")
    destination_id: str | None = Field(description="To which destination; to none of the community's, if null.")
    from_at: Moment = Field(description="When it begins.")
    until_at: Moment = Field(description="When it ends.")
    reason: str = Field(description="Why.")

    @classmethod
    def of(cls, window: MaintenanceWindow) -> Self:
        """Return the window as it is shown."""
        return cls(
            id=window.id,
            destination_id=window.destination_id,
            from_at=window.from_at,
            until_at=window.until_at,
            reason=window.reason,
        )
