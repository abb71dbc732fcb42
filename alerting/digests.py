"""Digests: what can wait is kept for a destination and told at once, at an hour of its own; so is that nothing came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from alerting.gathering import watchlists_of
from alerting.planning import digest_delivery, plan_digest
from alerting.rendering import notice
from core.clock import Clock
from core.errors import CryptoError, NotFound, UsageError
from core.logs import logger
from core.ports import Store, Transaction
from core.rounds import in_rounds
from core.types import Destination, Detail, DigestPeriod, DigestSchedule, DueDigest, Notice, Weekday

LOOKS_EVERY = timedelta(seconds=30)
"""How late a digest is at most, while nothing else holds it up."""
LATEST_HOUR = 23
_DAY = timedelta(days=1)


def next_digest_at(schedule: DigestSchedule, after: datetime) -> datetime:
    """Return the first moment (UTC) of the schedule that is later. An hour that the clocks leave out in spring is the
    one after it; of one that they repeat in autumn, the first counts."""
    zone = ZoneInfo(schedule.time_zone)
    weekdays = tuple(Weekday)
    day = after.astimezone(zone).date()
    while True:
        if schedule.period is DigestPeriod.DAILY or weekdays[day.weekday()] is schedule.weekday:
            moment = datetime.combine(day, time(schedule.hour), zone).astimezone(UTC)
            if moment > after:
                return moment
        day += _DAY


async def set_digest(
    transaction: Transaction, community_id: str, destination_id: str, schedule: DigestSchedule | None, *, at: datetime
) -> Destination:
    """Have the destination sent digests by this schedule from now on, or none; return it. What was kept for a digest
    that it is sent no more is told now. Raises UsageError, NotFound or StoreError."""
    if schedule is not None:
        _check(schedule)
    before = await transaction.destination(community_id, destination_id)
    if schedule is None and before.digest is not None:
        since = await transaction.end_digests(before)
        if since is not None:
            await plan_digest(transaction, before, since, at)
    after = replace(before, digest=schedule)
    due_at = None if schedule is None else next_digest_at(schedule, at)
    await transaction.save_digest_schedule(after, due_at=due_at, at=at)
    return after


async def preview(store: Store, destination: Destination, at: datetime) -> Notice:
    """Return what the destination's next digest would tell now, redacted at least. Raises NotFound, StoreError, and
    Conflict where it is sent none."""
    since, told = await store.next_digest(destination.community_id, destination.id)
    detail = Detail.REDACTED if destination.detail is Detail.FULL else destination.detail
    return notice(
        digest_delivery(destination, since, at),
        replace(destination, detail=detail),
        await store.community(destination.community_id),
        await watchlists_of(store, [one.incident for one in told]),
        None,
        (),
        at,
        told=told,
        sources=await store.sources_counting_for(destination.community_id),
    )


class Digests:
    """The loop over destinations whose digest is due."""

    def __init__(self, store: Store, clock: Clock, *, planned: Callable[[], None]) -> None:
        """``planned`` is called when there is something to deliver."""
        self._store = store
        self._clock = clock
        self._planned = planned

    async def run(self) -> None:
        """Plan digests until cancelled. What fails is tried again."""
        await in_rounds(self.plan_due, self._clock, every=LOOKS_EVERY, failing="digests cannot be planned")

    async def plan_due(self) -> int:
        """Plan every digest that is due, each once, whoever else does the same; return how many. Raises StoreError."""
        planned_count = 0
        for due in await self._store.due_digests(self._clock.now()):
            try:
                planned_count += await self._plan(due)
            except NotFound:
                logger().info("a destination was deleted while its digest was due", destination_id=due.destination_id)
            except CryptoError as error:  # those of others must not wait for it
                logger().error("a digest cannot be planned", destination_id=due.destination_id, exc_info=error)
        if planned_count:
            self._planned()
        return planned_count

    async def _plan(self, due: DueDigest) -> bool:
        at = self._clock.now()
        async with self._store.transaction() as transaction:
            destination = await transaction.destination(due.community_id, due.destination_id)
            if destination.digest is None:
                return False
            since = await transaction.take_digest(due, next_due_at=next_digest_at(destination.digest, at), at=at)
            if since is None:  # somebody was quicker
                return False
            await plan_digest(transaction, destination, since, at)
        return True


def _check(schedule: DigestSchedule) -> None:
    if not 0 <= schedule.hour <= LATEST_HOUR:
        raise UsageError(f"the hour of a digest must be from 0 to {LATEST_HOUR}")
    if schedule.time_zone not in available_timezones():
        raise UsageError("there is no such time zone: give a name such as Europe/Berlin or UTC")
