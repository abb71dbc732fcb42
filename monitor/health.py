"""How a source fares after a poll, judged by what is remembered of it, and whether people must be told.

"No alerts" must never silently mean "not looking": a source that fails for long, or gives nothing new for much longer
than it usually does, is in trouble, and its community is told once for each spell of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from core.errors import LeakwatchError, NotConfigured, SourceError, SourceUnavailable
from core.settings import MonitorSettings
from core.types import BlindInterval, EventType, Page, SourceHealth, SourceRecord, SourceState
from monitor.pace import due_after_failure, due_after_page, interval_after

UNENDED = "nothing came of a poll: it took longer than its lease, or Leakwatch ended while it ran"
OUTAGE = timedelta(hours=1)
"""A source that was not read for so much longer than its longest interval was blind meanwhile."""
MOST_BLIND_INTERVALS = 20
SILENCE_FACTOR = 3
"""A silence this many times as long as the longest usual one is not usual any more."""
HALF_LIFE = timedelta(days=14)
"""In this time half of a long silence is forgotten, so that a place that became livelier is judged anew."""
ACQUAINTANCE = timedelta(days=1)
"""What came within this time after a source was added tells nothing about what is usual: it is mostly old."""
UNKNOWN_SILENCE = timedelta(days=7)
"""The longest silence of a source of which no usual one is known that is not looked into."""


class Judge:
    """Tells what a poll means for its source, by the settings of a deployment."""

    def __init__(self, settings: MonitorSettings) -> None:
        self._failing_polls = settings.failing_polls
        self._failing_for = timedelta(minutes=settings.failing_minutes)
        self._silent_for = timedelta(hours=settings.silent_hours)

    def after_page(
        self,
        source: SourceRecord,
        page: Page,
        *,
        new_count: int,
        unexamined: str | None = None,
        began_at: datetime,
        at: datetime,
    ) -> SourceRecord:
        """Return the source after a page of which so many documents were new; ``unexamined`` says what of them was not
        examined."""
        source = replace(source, health=_with_blind_intervals(source, (page.gap, unexamined, page.failing), at))
        if source.last_success_at is None or _was_unread(source, source.last_success_at, at):
            source = replace(source, health=replace(source.health, read_since=at))
        health = source.health
        if new_count:
            health = replace(health, last_new_at=at, usual_silence_seconds=_usual_silence_seconds(source, at))
        published = [document.published_at for document in page.documents if document.published_at is not None]
        # A place that dates its posts ahead must not look up to date for ever.
        newest = [*(min(moment, at) for moment in published), *filter(None, [health.newest_published_at])]
        interval_seconds = interval_after(source, page, new_count=new_count)
        is_silent = not new_count and at - source.quiet_since > self._longest_silence(source, page)
        failing_since, failure_count, is_long = None, 0, False
        if page.failing is not None:
            # No more than tells: a part that fails for good must not put off what is tried after a failed poll.
            failure_count = min(source.failure_count + 1, self._failing_polls)
            failing_since = health.failing_since or at
            is_long = failure_count >= self._failing_polls and at - failing_since >= self._failing_for
        return replace(
            source,
            state=_state_after(page, is_silent=is_silent),
            cursor=page.cursor,
            due_at=due_after_page(page, interval_seconds, began_at=began_at, at=at),
            last_success_at=at,
            last_error=page.failing,
            failure_count=failure_count,
            health=replace(
                health,
                interval_seconds=interval_seconds,
                failing_since=failing_since,
                newest_published_at=max(newest, default=None),
                quota_left=page.quota_left,
                was_told=is_silent or is_long or (page.failing is not None and health.was_told),
            ),
            updated_at=at,
        )

    def after_failure(self, source: SourceRecord, error: LeakwatchError, *, at: datetime) -> SourceRecord:
        """Return the source after a poll that failed; its cursor stays, unless the error says where to go on."""
        health = source.health
        failing_since = health.failing_since or at
        failure_count = source.failure_count + 1
        moved_on = error.cursor if isinstance(error, SourceError) else None
        due_at = due_after_failure(source, error, at=at)
        for_long = at - failing_since >= self._failing_for
        # Where the next try lies further off than what is long, waiting for it would tell people days later.
        is_long = for_long and (failure_count >= self._failing_polls or due_at - at > self._failing_for)
        return replace(
            source,
            state=SourceState.NOT_CONFIGURED if isinstance(error, NotConfigured) else SourceState.FAILING,
            cursor=source.cursor if moved_on is None else moved_on,
            due_at=due_at,
            last_error=str(error),
            failure_count=failure_count,
            health=replace(health, failing_since=failing_since, was_told=health.was_told or is_long),
            updated_at=at,
        )

    def after_unended_poll(self, source: SourceRecord, *, at: datetime) -> SourceRecord:
        """Return the source after a poll of which nobody said what came; it is polled again at once."""
        return replace(self.after_failure(source, SourceUnavailable(UNENDED), at=at), due_at=source.due_at)

    def _longest_silence(self, source: SourceRecord, page: Page) -> timedelta:
        """Return the longest silence after which all may still be well."""
        if usual_seconds := source.health.usual_silence_seconds:
            return max(self._silent_for, timedelta(seconds=usual_seconds) * SILENCE_FACTOR)
        return timedelta.max if page.silence_is_usual else max(self._silent_for, UNKNOWN_SILENCE)


def event_between(before: SourceRecord, after: SourceRecord) -> EventType | None:
    """Return what people are told of the change: that trouble began, or that it is over."""
    if before.health.was_told == after.health.was_told:
        return None
    return EventType.SOURCE_FAILING if after.health.was_told else EventType.SOURCE_RECOVERED


def _with_blind_intervals(source: SourceRecord, missed: Iterable[str | None], at: datetime) -> SourceHealth:
    known = list(source.health.blind_intervals)
    for blind in _blind_intervals(source, missed, at):
        if known and (known[-1].until_at, known[-1].reason) == (blind.from_at, blind.reason):
            known[-1] = replace(known[-1], until_at=blind.until_at)
        else:
            known.append(blind)
    return replace(source.health, blind_intervals=tuple(known[-MOST_BLIND_INTERVALS:]))


def _was_unread(source: SourceRecord, read_at: datetime, at: datetime) -> bool:
    """Return whether the source, last read at ``read_at``, was not read for too long until now."""
    return at - read_at > timedelta(seconds=source.longest_interval_seconds) + OUTAGE


def _blind_intervals(source: SourceRecord, missed: Iterable[str | None], at: datetime) -> Iterator[BlindInterval]:
    if source.last_success_at is not None and _was_unread(source, source.last_success_at, at):
        reason = f"it was not read: {source.last_error}" if source.last_error else "it was not read"
        yield BlindInterval(from_at=source.last_success_at, until_at=at, reason=reason)
    for reason in filter(None, missed):
        yield BlindInterval(from_at=source.last_success_at or source.created_at, until_at=at, reason=reason)


def _state_after(page: Page, *, is_silent: bool) -> SourceState:
    if page.failing is not None:
        return SourceState.FAILING
    return SourceState.SILENT if is_silent else SourceState.HEALTHY


def _usual_silence_seconds(source: SourceRecord, at: datetime) -> float:
    """Return the longest usual silence, now that something new ended one."""
    if at - source.created_at < ACQUAINTANCE:
        return 0.0
    silence = at - source.quiet_since
    return max(silence.total_seconds(), source.health.usual_silence_seconds * math.exp2(-silence / HALF_LIFE))
