"""When notices wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum


class Weekday(StrEnum):
    """A day of the week, in the order of :meth:`datetime.date.weekday`."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """When a destination is not disturbed: on these ``days`` from ``from_time`` until before ``until_time``, as
    clocks show it in the ``time_zone`` (IANA). Where ``until_time`` is not the later one, they end on the day after."""

    id: str
    community_id: str
    destination_id: str
    days: frozenset[Weekday]
    from_time: time
    until_time: time
    time_zone: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """From ``from_at`` until before ``until_at`` nothing is sent to the destination, or, without one, to none of the
    community's."""

    id: str
    community_id: str
    destination_id: str | None
    from_at: datetime
    until_at: datetime
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRules:
    """What can make notices to a destination wait: its quiet hours, and the maintenance windows of some moment."""

    quiet_hours: tuple[QuietHours, ...] = ()
    windows: tuple[MaintenanceWindow, ...] = ()


class HoldReason(StrEnum):
    """Why a notice waits."""

    QUIET_HOURS = "quiet_hours"
    MAINTENANCE = "maintenance"
    GROUPING = "grouping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """That a notice waits until a moment, when it is looked at again."""

    reason: HoldReason
    until: datetime
