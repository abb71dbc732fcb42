"""Digests of destinations."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field

from alerting.digests import LATEST_HOUR
from alerting.messages import PLAIN_TEXT, message
from api.schemas.common import Answer, Input, TimeZone, example
from core.types import DigestPeriod, DigestSchedule, Notice, Weekday

_SCHEDULE = {"period": "weekly", "hour": 8, "weekday": "monday", "time_zone": "Europe/Berlin", "is_only": False}


class NewDigest(Input):
    """When a destination is sent a digest."""

    model_config = ConfigDict(json_schema_extra=example(**_SCHEDULE))

    period: DigestPeriod = Field(description="How often.")
    hour: int = Field(8, ge=0, le=LATEST_HOUR, description="At which hour of the day, as clocks show it there.")
    weekday: Weekday = Field(Weekday.MONDAY, description="On which day, where it is weekly.")
    time_zone: TimeZone = Field("UTC", description="Whose clocks count.")
    is_only: bool = Field(
        False,
        description="Whether the destination is told of no incident at once, however grave it is.",
    )

    def schedule(self) -> DigestSchedule:
        """Return the schedule as it is kept."""
        return DigestSchedule(
            period=self.period,
            hour=self.hour,
            weekday=self.weekday,
            time_zone=self.time_zone,
            is_only=self.is_only,
        )


class DigestView(Answer):
    """When a destination is sent a digest."""

    model_config = ConfigDict(json_schema_extra=example(**_SCHEDULE))

    period: DigestPeriod = Field(description="How often.")
    hour: int = Field(description="At which hour of the day, as clocks show it there.")
    weekday: Weekday = Field(description="On which day, where it is weekly.")
    time_zone: str = Field(description="Whose clocks count.")
    is_only: bool = Field(description="Whether the destination is told of no incident at once.")

    @classmethod
    def of(cls, schedule: DigestSchedule) -> Self:
        """Return the schedule as it is shown."""
        return cls(
            period=schedule.period,
            hour=schedule.hour,
            weekday=schedule.weekday,
            time_zone=schedule.time_zone,
            is_only=schedule.is_only,
        )


class DigestPreview(Answer):
    """What a destination's next digest would tell now."""

    model_config = ConfigDict(
        json_schema_extra=example(
            summary="Digest: 1 incident (1 medium), 4 of 4 sources healthy",
            text="Digest: 1 incident (1 medium), 4 of 4 sources healthy\n\nCommunity: Harbor Commons\n…",
        )
    )

    summary: str = Field(description="What it says in a sentence.")
    text: str = Field(description="All that it says, in lines.")

    @classmethod
    def of(cls, notice: Notice) -> Self:
        """Return the notice as it is shown."""
        return cls(summary=notice.summary, text=PLAIN_TEXT.text(message(notice)))
