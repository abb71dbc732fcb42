"""Moments and time zones as they are written at the command line."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import available_timezones

from core.errors import UsageError


def moment_of(written: str) -> datetime:
    """Return the moment, which is written with its offset. Raises UsageError."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError("a moment is written with its offset, such as 2026-11-20T22:00+01:00 or 2026-11-20T21:00Z")
    return moment


def check_time_zone(name: str) -> None:
    """Raise UsageError where there is no such time zone."""
    if name not in available_timezones():
        raise UsageError("the time zone must be one of the IANA database, such as Europe/Berlin")
