"""When destinations are sent digests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.types.holds import Weekday


class DigestPeriod(StrEnum):
    """How often a digest is sent."""

    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestSchedule:
    """When a destination is sent a digest: at the ``hour`` (0 to 23) that clocks show in the ``time_zone`` (IANA),
    every day, or every week on the ``weekday``. ``is_only``: it is told of no incident at once, however grave."""

    period: DigestPeriod
    hour: int
    time_zone: str
    weekday: Weekday = Weekday.MONDAY
    is_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDigest:
    """That a destination's digest is due, since ``due_at``."""

    community_id: str
    destination_id: str
    due_at: datetime
