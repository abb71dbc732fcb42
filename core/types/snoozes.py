"""Incidents that nobody wants to hear of for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SnoozeEnd(StrEnum):
    """Why a snooze ended."""

    UNTIL = "until"
    SIGHTINGS = "sightings"
    NEW_SITE = "new_site"
    HIGHER_SEVERITY = "higher_severity"
    IMMINENT_HARM = "imminent_harm"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """That an incident is not told of since ``began_at``: until a moment, until it was seen at so many places in all,
    on a new site, or became graver, whichever of those that were chosen comes first. ``ended_at`` is when that was, and
    ``ended_by`` which of them."""

    began_at: datetime
    until: datetime | None = None
    sighting_count: int | None = None
    new_site: bool = False
    higher_severity: bool = False
    ended_at: datetime | None = None
    ended_by: SnoozeEnd | None = None
