"""When a destination is told: notices that are not urgent, nor ask a moderator to take an incident on, wait for the end
of its quiet hours, or of maintenance.

Whether a notice waits is decided when its turn has come, so what is decided is never older than the rules. What waits
is out of the line: urgent notices pass it. Once its time has come it is in line again, in its old place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerting.grouping import UNACKNOWLEDGED, group_hold, tell_together
from alerting.routing import is_urgent
from core.errors import NotFound
from core.ports import Store
from core.types import (
    Delivery,
    DeliveryLease,
    EventType,
    Hold,
    HoldReason,
    HoldRules,
    Incident,
    QuietHours,
    SourceState,
    Weekday,
)

_DAYS = tuple(Weekday)
_IN_TROUBLE = frozenset({SourceState.FAILING, SourceState.SILENT})
_SHORT_OF_AN_END = frozenset({EventType.INCIDENT_OPENED, EventType.INCIDENT_UPDATED, EventType.INCIDENT_ESCALATED})
_NEVER_WAITING = frozenset({EventType.TEST_PING})
"""Somebody looks whether these arrive."""


async def hold_back(store: Store, lease: DeliveryLease, at: datetime) -> bool:
    """Return whether the leased delivery is not to be sent now: it waits, it is told together with others, or what it
    tells is no longer true. Each is recorded. Raises StoreError, LeaseLost."""
    delivery = lease.delivery
    hold = await _hold(store, delivery, at)
    if hold is None and await _is_overtaken(store, delivery):
        async with store.transaction() as transaction:
            await transaction.drop_delivery(lease, at)
        return True
    if hold is None and delivery.route_id is not None and not await _is_pressing(store, delivery):
        hold = await group_hold(store, delivery, at)
        if hold is None:
            return await tell_together(store, lease, at)
    if hold is None:
        return False
    async with store.transaction() as transaction:
        await transaction.hold_delivery(lease, hold, at)
    return True


def hold_of(rules: HoldRules, at: datetime, *, is_pressing: bool) -> Hold | None:
    """Return why and until when a notice waits that would be sent now; None where it does not. What ``is_pressing``
    waits only where its own destination is under maintenance, as nothing would arrive there."""
    holds = [
        Hold(reason=HoldReason.MAINTENANCE, until=window.until_at)
        for window in rules.windows
        if window.from_at <= at < window.until_at and (window.destination_id is not None or not is_pressing)
    ]
    if not is_pressing:
        ends = (quiet_until(hours, at) for hours in rules.quiet_hours)
        holds += [Hold(reason=HoldReason.QUIET_HOURS, until=end) for end in ends if end is not None]
    return max(holds, key=lambda hold: hold.until, default=None)


def quiet_until(hours: QuietHours, at: datetime) -> datetime | None:
    """Return when the quiet hours end in which the moment is, None where it is in none."""
    zone = ZoneInfo(hours.time_zone)
    for starts_at, ends_at in _stretches(hours, zone, at.astimezone(zone).date()):
        if starts_at <= at < ends_at:
            return ends_at
    return None


def _stretches(hours: QuietHours, zone: ZoneInfo, today: date) -> Iterator[tuple[datetime, datetime]]:
    for day in (today, today - timedelta(days=1)):
        if _DAYS[day.weekday()] in hours.days:
            last = day if hours.until_time > hours.from_time else day + timedelta(days=1)
            yield _moments(day, hours.from_time, zone)[0], max(_moments(last, hours.until_time, zone))


def _moments(day: date, shown: time, zone: ZoneInfo) -> Sequence[datetime]:
    """Return when clocks show that time on the day. When they are set back they may show it twice: quiet hours begin
    with the first and end with the second. A time that is passed over counts as that much later."""
    local = datetime.combine(day, shown, zone)
    return [local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]


async def _hold(store: Store, delivery: Delivery, at: datetime) -> Hold | None:
    if delivery.event in _NEVER_WAITING:
        return None
    rules = await store.hold_rules(delivery.community_id, delivery.destination_id, at)
    hold = hold_of(rules, at, is_pressing=False)
    if hold is None:
        return None
    return hold_of(rules, at, is_pressing=await _is_pressing(store, delivery))


async def _is_pressing(store: Store, delivery: Delivery) -> bool:
    return await _asks_somebody(store, delivery) or any(map(is_urgent, await _told_of(store, delivery)))


async def _asks_somebody(store: Store, delivery: Delivery) -> bool:
    """Return whether a moderator is asked by the delivery to take an incident on: they are on call for that."""
    if delivery.incident_id is None or delivery.event is EventType.INCIDENT_RESOLVED:
        return False
    if delivery.event is EventType.INCIDENT_ESCALATED:
        return True
    escalation = await store.escalation(delivery.community_id, delivery.incident_id)
    if escalation is None or not escalation.asked_ids:
        return False
    asked_id = escalation.asked_ids[-1]
    moderators = await store.moderators(delivery.community_id)
    return any(one.id == asked_id and delivery.destination_id in one.destination_ids for one in moderators)


async def _told_of(store: Store, delivery: Delivery) -> Sequence[Incident]:
    """Return the incidents that the delivery tells of, but those whose end it tells."""
    if delivery.event is EventType.INCIDENT_RESOLVED:
        return ()
    if delivery.incident_id is not None:
        return [await store.incident(delivery.community_id, delivery.incident_id)]
    if delivery.event is EventType.INCIDENT_GROUPED:
        told = await store.told_incidents(delivery.community_id, delivery.id)
        return [one.incident for one in told if one.event is not EventType.INCIDENT_RESOLVED]
    return ()


async def _is_overtaken(store: Store, delivery: Delivery) -> bool:
    """Return whether what the delivery tells has ceased to be true while it waited, or, where it tells something again,
    since. That it ended is told by a delivery of its own."""
    if delivery.event is EventType.INCIDENT_REPEATED and delivery.incident_id is not None:
        return (await store.incident(delivery.community_id, delivery.incident_id)).state not in UNACKNOWLEDGED
    if delivery.held_because is None:
        return False
    if delivery.event in _SHORT_OF_AN_END and delivery.incident_id is not None:
        return (await store.incident(delivery.community_id, delivery.incident_id)).state.is_closed
    with suppress(NotFound):  # of what was deleted meanwhile it is told that it was
        if delivery.event is EventType.SOURCE_FAILING and delivery.source_id is not None:
            source = await store.source_read_for(delivery.community_id, delivery.source_id)
            return source.state not in _IN_TROUBLE
        if delivery.about_destination_id is not None:
            return (await store.destination(delivery.community_id, delivery.about_destination_id)).enabled
    return False
