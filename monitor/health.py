"""How a source fares after a poll, judged by what is remembered of it, and whether people must be told.

"No alerts" must never silently mean "not looking": a source that fails for long, or gives nothing new for much longer
than it usually does, is in trouble, and its community is told once for each spell of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from core.errors import LeakwatchError, NotConfigured, SourceError
from core.settings import MonitorSettings
from core.types import BlindInterval, EventType, Page, SourceHealth, SourceRecord, SourceState
from monitor.pace import due_after_failure, due_after_page, interval_after

OUTAGE = timedelta(hours=1)
"""A source that was not read for so much longer than its longest interval was blind meanwhile."""
MOST_BLIND_INTERVALS = 20
SILENCE_FACTOR = 3
"""A silence this many times as long as the longest usual one is not usual any more."""
HALF_LIFE = timedelta(days=14)
"""In this time half of a long silence is forgotten, so that a place that became livelier is judged anew."""
ACQUAINTANCE = timedelta(days=1)
"""What came within this time after a source was added tells nothing about what is usual: it is mostly old."""


class Judge:
    """Tells what a poll means for its source, by the settings of a deployment."""

    def __init__(self, settings: MonitorSettings) -> None:
        self._failing_polls = settings.failing_polls
        self._failing_for = timedelta(minutes=settings.failing_minutes)
        self._silent_for = timedelta(hours=settings.silent_hours)

    def after_page(
        self, source: SourceRecord, page: Page, *, new_count: int, began_at: datetime, at: datetime
    ) -> SourceRecord:
        """Return the source after a page of which so many documents were new."""
        source = replace(source, health=_with_blind_intervals(source, page, at))
        health = source.health
        if new_count:
            health = replace(health, last_new_at=at, usual_silence_seconds=_usual_silence_seconds(source, at))
        published = [document.published_at for document in page.documents if document.published_at is not None]
        # A place that dates its posts ahead must not look up to date for ever.
        newest = [*(min(moment, at) for moment in published), *filter(None, [health.newest_published_at])]
        interval_seconds = interval_after(source, page, new_count=new_count)
        is_silent = not new_count and self._is_silent(source, at)
        return replace(
            source,
            state=SourceState.SILENT if is_silent else SourceState.HEALTHY,
            cursor=page.cursor,
            due_at=due_after_page(page, interval_seconds, began_at=began_at, at=at),
            last_success_at=at,
            last_error=None,
            failure_count=0,
            health=replace(
                health,
                interval_seconds=interval_seconds,
                failing_since=None,
                newest_published_at=max(newest, default=None),
                quota_left=page.quota_left,
                was_told=is_silent,
            ),
            updated_at=at,
        )

    def after_failure(self, source: SourceRecord, error: LeakwatchError, *, at: datetime) -> SourceRecord:
        """Return the source after a poll that failed; its cursor stays, unless the error says where to go on."""
        health = source.health
        failing_since = health.failing_since or at
        failure_count = source.failure_count + 1
        moved_on = error.cursor if isinstance(error, SourceError) else None
        is_long = failure_count >= self._failing_polls and at - failing_since >= self._failing_for
        return replace(
            source,
            state=SourceState.NOT_CONFIGURED if isinstance(error, NotConfigured) else SourceState.FAILING,
            cursor=source.cursor if moved_on is None else moved_on,
            due_at=due_after_failure(source, error, at=at),
            last_error=str(error),
            failure_count=failure_count,
            health=replace(health, failing_since=failing_since, was_told=health.was_told or is_long),
            updated_at=at,
        )

    def _is_silent(self, source: SourceRecord, at: datetime) -> bool:
        last_new_at, quiet_since = source.health.last_new_at, source.quiet_since
        if last_new_at is None or quiet_since is None or last_new_at - source.created_at < ACQUAINTANCE:
            return False
        usual = timedelta(seconds=source.health.usual_silence_seconds)
        return at - quiet_since > max(self._silent_for, usual * SILENCE_FACTOR)


def event_between(before: SourceRecord, after: SourceRecord) -> EventType | None:
    """Return what people are told of the change: that trouble began, or that it is over."""
    if before.health.was_told == after.health.was_told:
        return None
    return EventType.SOURCE_FAILING if after.health.was_told else EventType.SOURCE_RECOVERED


def _with_blind_intervals(source: SourceRecord, page: Page, at: datetime) -> SourceHealth:
    known = list(source.health.blind_intervals)
    for blind in _blind_intervals(source, page, at):
        if known and (known[-1].until_at, known[-1].reason) == (blind.from_at, blind.reason):
            known[-1] = replace(known[-1], until_at=blind.until_at)
        else:
            known.append(blind)
    return replace(source.health, blind_intervals=tuple(known[-MOST_BLIND_INTERVALS:]))


def _blind_intervals(source: SourceRecord, page: Page, at: datetime) -> Iterator[BlindInterval]:
    if source.last_success_at is None:
        return
    if at - source.last_success_at > timedelta(seconds=source.longest_interval_seconds) + OUTAGE:
        reason = f"it was not read: {source.last_error}" if source.last_error else "it was not read"
        yield BlindInterval(from_at=source.last_success_at, until_at=at, reason=reason)
    if page.gap is not None:
        yield BlindInterval(from_at=source.last_success_at, until_at=at, reason=page.gap)


def _usual_silence_seconds(source: SourceRecord, at: datetime) -> float:
    """Return the longest usual silence, now that something new ended one."""
    usual = source.health.usual_silence_seconds
    if source.quiet_since is None:
        return usual
    silence = at - source.quiet_since
    return max(silence.total_seconds(), usual * math.exp2(-silence / HALF_LIFE))
