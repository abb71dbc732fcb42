"""Takes due deliveries out of the outbox, sends them, and records what came of it.

The outbox is the record: a delivery is marked as delivered only after the other side took it, so a crash in
between sends it again, with the same idempotency key. The store keeps each destination's own order.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from random import SystemRandom

from alerting.rendering import notice
from core.errors import (
    CryptoError,
    DeliveryDeferred,
    DeliveryError,
    DeliveryRefused,
    LeaseLost,
    NotConfigured,
    NotFound,
    SettingsError,
    StoreError,
)
from core.ids import new_id
from core.logs import logger
from core.plugins import Registry
from core.ports import AlertFilter, Listing, Notifier, NotifierContext, Store
from core.types import (
    Alert,
    AuditEntry,
    Delivery,
    DeliveryLease,
    Destination,
    EventType,
    Incident,
    Notice,
    SourceRecord,
    Watchlist,
)

BACK_OFF = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
LAST_BACK_OFF = timedelta(minutes=5)
JITTER = 0.2
"""Share by which the last back-off varies, so that many destinations do not come back at one moment."""
LONGEST_RETRY_AFTER = timedelta(days=1)
ATTEMPTS_WHEN_REFUSED = 3
LONGEST_DEFERRAL = timedelta(days=5)
CONCURRENT_DELIVERIES = 8
SHARE_OF_LEASE = 0.8
"""An attempt must end well before its lease does, so that its outcome can still be recorded."""
LONGEST_WAIT = timedelta(seconds=10)
"""Another process may plan a delivery, so the outbox is looked at again after this time at the latest."""
MOST_ALERTS = 20
"""In one notice; the incident has the rest."""

ACTOR = "dispatcher"
"""Who the audit log names for what is done here."""

_RANDOM = SystemRandom()


class Dispatcher:
    """The loop over due deliveries."""

    def __init__(
        self, store: Store, notifiers: Registry[Notifier], context: NotifierContext, *, lease_for: timedelta
    ) -> None:
        """``lease_for`` is how long one attempt may take before another process may repeat it."""
        self._store = store
        self._notifiers = notifiers
        self._context = context
        self._clock = context.clock
        self._lease_for = lease_for
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look at the outbox again now: something was planned, enabled or replayed."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled, several destinations at a time. What fails in the database is tried again."""
        attempts: set[asyncio.Task[None]] = set()

        def ended(attempt: asyncio.Task[None]) -> None:
            attempts.discard(attempt)
            self._wake.set()

        async with asyncio.TaskGroup() as group:
            while True:
                look_again_at = self._clock.now() + LONGEST_WAIT
                try:
                    while len(attempts) < CONCURRENT_DELIVERIES:
                        lease = await self._store.take_due_delivery(self._clock.now(), self._lease_for)
                        if lease is None:
                            due_at = await self._store.next_delivery_due_at()
                            look_again_at = min(look_again_at, due_at or look_again_at)
                            break
                        attempt = group.create_task(self.deliver(lease))
                        attempts.add(attempt)
                        attempt.add_done_callback(ended)
                except (StoreError, CryptoError) as error:
                    logger().error("deliveries cannot be taken", exc_info=error)
                await self._clock.wait_until(look_again_at, self._wake)

    async def deliver(self, lease: DeliveryLease) -> None:
        """Send the leased delivery once and record what came of it. A lost lease records nothing."""
        log = logger().bind(delivery_id=lease.delivery.id, destination_id=lease.destination.id)
        try:
            outcome = await self._send(lease)
            if outcome is None:
                await self._store.delivery_succeeded(lease, self._clock.now())
                log.info("a notice was delivered", attempts=lease.delivery.attempts + 1)
            else:
                log.warning("a notice was not delivered", attempts=lease.delivery.attempts + 1, exc_info=outcome)
                await self._record_failure(lease, outcome)
        except LeaseLost as error:
            log.warning("a delivery took longer than its lease", exc_info=error)
        except StoreError as error:
            # The lease runs out, and the delivery is repeated with the same idempotency key.
            log.error("the outcome of a delivery cannot be recorded", exc_info=error)

    async def _send(self, lease: DeliveryLease) -> DeliveryError | None:
        """Return why the notice was not delivered, None where it was. Raises StoreError."""
        limit_seconds = self._lease_for.total_seconds() * SHARE_OF_LEASE
        try:
            async with asyncio.timeout(limit_seconds):
                destination = lease.destination
                notifier = self._notifiers.build(destination.kind, destination.settings, self._context)
                await notifier.send(await self._notice(lease))
        except DeliveryError as error:
            return error
        except StoreError:
            raise
        except (NotConfigured, NotFound, SettingsError) as error:
            return DeliveryRefused(str(error))
        except TimeoutError:
            return DeliveryDeferred(f"one attempt took longer than {limit_seconds:g} seconds")
        except Exception as error:  # a plug-in may raise anything: it must not stop the others
            logger().error("a channel failed unexpectedly", kind=lease.destination.kind, exc_info=error)
            return DeliveryDeferred(f"unexpected {type(error).__name__}")
        return None

    async def _record_failure(self, lease: DeliveryLease, error: DeliveryError) -> None:
        now = self._clock.now()
        next_attempt_at = self._next_attempt_at(lease.delivery, error, now)
        await self._store.delivery_failed(lease, error=str(error), next_attempt_at=next_attempt_at, at=now)
        log = logger().bind(delivery_id=lease.delivery.id, destination_id=lease.destination.id)
        if isinstance(error, DeliveryRefused) and error.gone:
            await self._disable(lease.destination, now)
            log.error("a destination is gone and was disabled")
        elif next_attempt_at is None:
            log.error("a delivery was given up and can be replayed", attempts=lease.delivery.attempts + 1)

    async def _disable(self, destination: Destination, at: datetime) -> None:
        audit = AuditEntry(
            id=new_id("aud"),
            community_id=destination.community_id,
            actor=ACTOR,
            action="destination.disabled",
            object_id=destination.id,
            at=at,
        )
        await self._store.set_destination_enabled(destination.community_id, destination.id, False, audit=audit)

    def _next_attempt_at(self, delivery: Delivery, error: DeliveryError, now: datetime) -> datetime | None:
        """Return when to try again, None to give the delivery up."""
        attempts = delivery.attempts + 1
        retry_after = timedelta(0)
        if isinstance(error, DeliveryRefused):
            if error.gone or attempts >= ATTEMPTS_WHEN_REFUSED:
                return None
        elif now - delivery.created_at >= LONGEST_DEFERRAL:
            return None
        elif isinstance(error, DeliveryDeferred) and error.retry_after is not None:
            retry_after = min(error.retry_after, LONGEST_RETRY_AFTER)
        return now + max(_back_off(attempts), retry_after)

    async def _notice(self, lease: DeliveryLease) -> Notice:
        delivery = lease.delivery
        community_id = delivery.community_id
        incident: Incident | None = None
        source: SourceRecord | None = None
        alerts: tuple[Alert, ...] = ()
        watchlists: dict[str, Watchlist] = {}
        if delivery.incident_id is not None:
            incident = await self._store.incident(community_id, delivery.incident_id)
            with suppress(NotFound):  # incidents outlive their watchlist
                watchlists[incident.watchlist_id] = await self._store.watchlist(community_id, incident.watchlist_id)
            if delivery.event is not EventType.INCIDENT_RESOLVED:
                alerts = await self._alerts_of(delivery, incident)
        elif delivery.source_id is not None:
            with suppress(NotFound):  # deleted meanwhile
                source = await self._store.source(community_id, delivery.source_id)
        community = await self._store.community(community_id)
        now = self._clock.now()
        return notice(delivery, lease.destination, community, watchlists, incident, alerts, now, source=source)

    async def _alerts_of(self, delivery: Delivery, incident: Incident) -> tuple[Alert, ...]:
        """Return the alerts for which the delivery was planned: those of its moment."""
        listing = Listing(limit=MOST_ALERTS, updated_since=delivery.created_at)
        part = await self._store.alerts(incident.community_id, listing, AlertFilter(incident_id=incident.id))
        return tuple(alert for alert in part.items if alert.raised_at == delivery.created_at)


def _back_off(attempts: int) -> timedelta:
    """Return the wait after so many attempts (1 or more)."""
    if attempts <= len(BACK_OFF):
        return BACK_OFF[attempts - 1]
    return LAST_BACK_OFF * _RANDOM.uniform(1 - JITTER, 1 + JITTER)
