"""When a source is polled next: often while it brings something new, seldom while it does not, later and later
while it fails."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import SystemRandom

from core.errors import LeakwatchError, SourceUnavailable
from core.types import Page, SourceRecord

FASTER, SLOWER = 0.5, 1.25
"""What becomes of the interval after a page with something new, and after one without."""
JITTER = 0.1
"""Share by which a wait is longer at most, so that sources added together do not come back at one moment."""
EMPTY_TURN = timedelta(seconds=10)
"""A source that asks for more at once, and brings nothing, gets no more than one turn in this time."""
LONGEST_BACK_OFF = timedelta(hours=6)
LONGEST_RETRY_AFTER = timedelta(days=1)

_RANDOM = SystemRandom()


def interval_after(source: SourceRecord, page: Page, *, new_count: int) -> float:
    """Return the seconds from one poll to the next after a page that brought so many new documents."""
    if page.gap is not None:  # more came than could be read: not a step, but as often as may be
        return source.interval_seconds
    present = source.health.interval_seconds or source.interval_seconds
    wanted = present * (FASTER if new_count else SLOWER)
    return min(max(wanted, source.interval_seconds), source.longest_interval_seconds)


def due_after_page(page: Page, interval_seconds: float, *, began_at: datetime, at: datetime) -> datetime:
    """Return when the source is due again after a page whose poll began at ``began_at`` and is recorded ``at``.

    A page with more to come goes to the end of those that are due: the others have their turns in between.
    """
    if page.more:
        due_at = at if page.documents else max(at, began_at + EMPTY_TURN)
    else:
        due_at = at + timedelta(seconds=interval_seconds * _RANDOM.uniform(1, 1 + JITTER))
    if page.not_before is not None:
        due_at = max(due_at, min(page.not_before, at + LONGEST_RETRY_AFTER))
    return due_at


def due_after_failure(source: SourceRecord, error: LeakwatchError, *, at: datetime) -> datetime:
    """Return when the source is tried again; its failures before this one are counted in it."""
    wait = min(timedelta(seconds=source.interval_seconds) * (1 << min(source.failure_count, 16)), LONGEST_BACK_OFF)
    if isinstance(error, SourceUnavailable) and error.retry_after is not None:
        wait = max(wait, min(error.retry_after, LONGEST_RETRY_AFTER))
    return at + wait
