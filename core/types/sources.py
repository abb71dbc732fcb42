"""The places that are read, and how they fare."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.types.documents import JsonObject


class SourceState(StrEnum):
    """How a source fares. ``failing``: its last poll failed, or a part of it
    cannot be read; it is tried again. ``silent``: it can be read, but
    has given nothing new for much longer than it usually does. ``not_configured``: it lacks something."""

    NEW = "new"
    HEALTHY = "healthy"
    SILENT = "silent"
    FAILING = "failing"
    NOT_CONFIGURED = "not_configured"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindInterval:
    """A time of which something may have been missed, and why, in a sentence that quotes nothing."""

    from_at: datetime
    until_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """What is remembered of how a source fared, to judge it by.

    ``interval_seconds`` is its present pace. ``read_since`` is since when it is read without a long pause.
    ``usual_silence_seconds`` is the longest time between two documents that were new, the longer ago the less; 0 where
    it is not known. ``was_told``: the destinations know of its present trouble.
    """

    interval_seconds: float | None = None
    failing_since: datetime | None = None
    read_since: datetime | None = None
    last_new_at: datetime | None = None
    usual_silence_seconds: float = 0.0
    newest_published_at: datetime | None = None
    quota_left: int | None = None
    was_told: bool = False
    blind_intervals: tuple[BlindInterval, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """A configured source of a community. ``shared``: its documents count for every community.

    It is polled every ``interval_seconds`` while it brings something new, and less and less often, down to every
    ``longest_interval_seconds``, while it does not. ``opens`` is false where what is sealed of it does not open:
    its cursor is not known then, nor perhaps its settings and its name, in whose place its id stands.
    """

    id: str
    community_id: str
    kind: str
    name: str
    settings: JsonObject = field(repr=False)
    opens: bool = True
    shared: bool = False
    interval_seconds: int = 300
    maximum_interval_seconds: int | None = None
    state: SourceState = SourceState.NEW
    cursor: JsonObject | None = field(default=None, repr=False)
    due_at: datetime | None = None
    last_success_at: datetime | None = None
    last_error: str | None = None
    failure_count: int = 0
    health: SourceHealth = SourceHealth()
    created_at: datetime
    updated_at: datetime

    @property
    def longest_interval_seconds(self) -> int:
        """The longest time from one poll to the next: what was asked for, or four times the shortest."""
        return self.maximum_interval_seconds or 4 * self.interval_seconds

    @property
    def quiet_since(self) -> datetime:
        """Since when it was read and gave nothing new: since it was added where it never gave anything."""
        heard_at = self.health.last_new_at or self.created_at
        return heard_at if self.health.read_since is None else max(heard_at, self.health.read_since)


@dataclass(frozen=True, slots=True)
class SourceLease:
    """The right to poll a source until ``until``; ``token`` fences out whoever held it before. ``taken_over``: somebody
    held it before, and let it run out without saying what came of the poll."""

    source: SourceRecord
    token: str
    until: datetime
    taken_over: bool = False
