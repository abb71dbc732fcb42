"""Canaries: documents planted to see that what a source holds arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class CanaryState(StrEnum):
    """Where a canary stands."""

    WAITING = "waiting"
    ARRIVED = "arrived"
    FAILED = "failed"


class CanaryLink(StrEnum):
    """The links of the chain, in order: the source was ``read``, the document was ``given`` by it, an alert was
    ``raised``, its delivery ``planned``, and ``delivered``."""

    READ = "read"
    GIVEN = "given"
    RAISED = "raised"
    PLANNED = "planned"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A document planted in the place that a source reads, known by an invented ``phrase``, which must arrive at the
    destination by ``due_at``. Without a ``source_id`` it was handed in here.

    The phrase is watched on a watchlist of its own (``watchlist_id``). Each link of the chain has the time at which it
    was first seen to hold. ``broken_link`` and ``reason`` tell of one that failed.
    """

    id: str
    community_id: str
    source_id: str | None
    destination_id: str
    watchlist_id: str
    phrase: str = field(repr=False)
    planted_at: datetime
    due_at: datetime
    state: CanaryState = CanaryState.WAITING
    read_count: int = 0
    read_at: datetime | None = None
    given_at: datetime | None = None
    raised_at: datetime | None = None
    planned_at: datetime | None = None
    delivered_at: datetime | None = None
    finished_at: datetime | None = None
    incident_id: str | None = None
    broken_link: CanaryLink | None = None
    reason: str | None = None

    @property
    def seen_at(self) -> dict[CanaryLink, datetime | None]:
        """When each link was first seen to hold, in order; None where it was not."""
        times = (self.read_at, self.given_at, self.raised_at, self.planned_at, self.delivered_at)
        return dict(zip(CanaryLink, times, strict=True))

    @property
    def latencies(self) -> dict[CanaryLink, timedelta]:
        """How long each link took after the one before, of those that held in order."""
        before, taken = self.planted_at, {}
        for link, at in self.seen_at.items():
            if at is None:
                break
            taken[link] = max(at - before, timedelta(0))
            before = max(at, before)
        return taken
