"""Takes due deliveries out of the outbox, sends them, and records what came of it.

The outbox is the record: a delivery is marked as delivered only after the other side took it, so a crash in
between sends it again, with the same idempotency key. The store keeps each destination's own order.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from alerting.addressing import addressed
from alerting.circuit import after_failure, after_success, next_attempt_at
from alerting.content_notes import is_heavy
from alerting.gathering import watchlists_of
from alerting.grouping import plan_repetitions
from alerting.holding import hold_back
from alerting.planning import plan_destination_notices
from alerting.rendering import MOST_INCIDENTS, notice
from alerting.sample import sample_leak
from core.errors import (
    CryptoError,
    DeliveryDeferred,
    DeliveryError,
    DeliveryRefused,
    LeakwatchError,
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
    Attempt,
    AttemptOutcome,
    AuditEntry,
    Canary,
    Delivery,
    DeliveryLease,
    Destination,
    EventType,
    Incident,
    Notice,
    SourceRecord,
    ToldIncident,
    Watchlist,
)

CONCURRENT_DELIVERIES = 32
CONCURRENT_PROBES = 8
"""Of these, how many may go to destinations that gave no answer the last time: they must not take all places."""
SHARE_OF_LEASE = 0.8
"""An attempt must end well before its lease does, so that its outcome can still be recorded."""
LONGEST_WAIT = timedelta(seconds=10)
"""Another process may plan a delivery, so the outbox is looked at again after this time at the latest."""
MOST_TOLD = 20
"""In one notice; the incident has the rest."""
MOST_TOLD_EACH = 3
"""Where it tells of several incidents."""

ACTOR = "dispatcher"
"""Who the audit log names for what is done here."""


class Dispatcher:
    """The loop over due deliveries."""

    def __init__(
        self,
        store: Store,
        notifiers: Registry[Notifier],
        context: NotifierContext,
        *,
        lease_for: timedelta,
        public_url: str | None = None,
    ) -> None:
        """``lease_for`` is how long one attempt may take before another process may repeat it; with ``public_url``,
        where people reach this service, notices of incidents carry a link."""
        self._store = store
        self._notifiers = notifiers
        self._context = context
        self._clock = context.clock
        self._lease_for = lease_for
        self._public_url = public_url
        self._wake = asyncio.Event()
        self._releases_at = context.clock.now()

    def wake(self) -> None:
        """Look at the outbox again now: something was planned, enabled or replayed."""
        self._releases_at = self._clock.now()
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled, several destinations at a time. What fails in the database is tried again."""
        attempts: set[asyncio.Task[None]] = set()
        probes: set[asyncio.Task[None]] = set()

        def ended(attempt: asyncio.Task[None]) -> None:
            attempts.discard(attempt)
            probes.discard(attempt)
            self._wake.set()

        async with asyncio.TaskGroup() as group:
            while True:
                look_again_at = self._clock.now() + LONGEST_WAIT
                try:
                    if self._releases_at <= self._clock.now():
                        self._releases_at = look_again_at
                        await self._plan_repetitions()
                        released_at = await self._store.release_held(self._clock.now())
                        self._releases_at = min(self._releases_at, released_at or look_again_at)
                    look_again_at = min(look_again_at, self._releases_at)
                    while len(attempts) < CONCURRENT_DELIVERIES:
                        with_failing = len(probes) < CONCURRENT_PROBES
                        try:
                            lease = await self._store.take_due_delivery(
                                self._clock.now(), self._lease_for, with_failing=with_failing
                            )
                        except (CryptoError, NotFound) as error:  # it is leased, or deleted: the others can be taken
                            logger().error("a delivery cannot be taken", exc_info=error)
                            continue
                        if lease is None:
                            due_at = await self._store.next_delivery_due_at(with_failing=with_failing)
                            look_again_at = min(look_again_at, due_at or look_again_at)
                            break
                        attempt = group.create_task(self.deliver(lease))
                        attempts.add(attempt)
                        if lease.destination.health.failure_count:
                            probes.add(attempt)
                        attempt.add_done_callback(ended)
                except LeakwatchError as error:
                    logger().error("deliveries cannot be taken", exc_info=error)
                await self._clock.wait_until(look_again_at, self._wake)

    async def _plan_repetitions(self) -> None:
        """Plan what is told again. Whatever fails here must not keep back what is due."""
        try:
            await plan_repetitions(self._store, self._clock.now())
        except LeakwatchError as error:
            logger().error("incidents cannot be told again", exc_info=error)

    async def deliver(self, lease: DeliveryLease) -> None:
        """Send the leased delivery once, unless it has to wait, and record what came of it. A lost lease records
        nothing."""
        log = logger().bind(delivery_id=lease.delivery.id, destination_id=lease.destination.id)
        started = self._clock.monotonic()
        try:
            async with self._store.snapshot():
                if await hold_back(self._store, lease, self._clock.now()):
                    self.wake()
                    return
                shown = await self._shown(lease)
            sent = await self._send(lease, shown) if isinstance(shown, Notice) else shown
            duration_seconds = self._clock.monotonic() - started
            if isinstance(sent, Notice):
                attempt = self._attempt(lease, None, duration_seconds)
                await self._record_success(lease, attempt, sent)
                log.info("a notice was delivered", attempts=attempt.number)
            else:
                attempt = self._attempt(lease, sent, duration_seconds)
                log.warning("a notice was not delivered", attempts=attempt.number, exc_info=sent)
                await self._record_failure(lease, attempt, sent)
        except LeaseLost as error:
            log.warning("a delivery took longer than its lease", exc_info=error)
        except NotFound:
            log.info("a destination was deleted while a notice was under way")
        except LeakwatchError as error:
            # The lease runs out, and the delivery is repeated with the same idempotency key.
            log.error("the outcome of a delivery cannot be recorded", exc_info=error)

    async def _shown(self, lease: DeliveryLease) -> Notice | DeliveryError:
        """Return the notice, or why there is none. Raises StoreError."""
        try:
            return replace(await self._notice(lease), progress=lease.progress)
        except StoreError:
            raise
        except (NotFound, SettingsError) as error:
            return DeliveryRefused(str(error))
        except Exception as error:  # whatever is wrong with one notice must not stop the others
            logger().error("a notice cannot be written", kind=lease.destination.kind, exc_info=error)
            return DeliveryRefused(f"unexpected {type(error).__name__}")

    async def _send(self, lease: DeliveryLease, shown: Notice) -> Notice | DeliveryError:
        """Return the notice if it was delivered, or why it was not. Raises StoreError."""
        limit_seconds = self._lease_for.total_seconds() * SHARE_OF_LEASE
        try:
            async with asyncio.timeout(limit_seconds):
                destination = lease.destination
                notifier = self._notifiers.build(destination.kind, destination.settings, self._context)
                await notifier.send(shown)
                return shown
        except DeliveryError as error:
            return error
        except StoreError:
            raise
        except (NotConfigured, NotFound, SettingsError) as error:
            return DeliveryRefused(str(error))
        except TimeoutError:
            return DeliveryDeferred(f"one attempt took longer than {limit_seconds:g} seconds")
        except OSError as error:
            return DeliveryDeferred(f"no connection ({type(error).__name__})")
        except Exception as error:  # a plug-in may raise anything: it must not stop the others, nor later notices
            logger().error("a channel failed unexpectedly", kind=lease.destination.kind, exc_info=error)
            return DeliveryRefused(f"unexpected {type(error).__name__}")

    def _attempt(self, lease: DeliveryLease, error: DeliveryError | None, duration_seconds: float) -> Attempt:
        return Attempt(
            id=new_id("att"),
            delivery_id=lease.delivery.id,
            number=lease.delivery.attempts + 1,
            at=self._clock.now(),
            outcome=_outcome(error),
            duration_seconds=duration_seconds,
            status=None if error is None else error.status,
            error=None if error is None else str(error),
        )

    async def _record_success(self, lease: DeliveryLease, attempt: Attempt, sent: Notice) -> None:
        destination = lease.destination
        async with self._store.transaction() as transaction:
            await transaction.finish_attempt(lease, attempt, next_attempt_at=None)
            if is_heavy(sent.content_notes):
                await transaction.add_heavy_items(destination.community_id, sent.reader_ids, attempt.at)
            if lease.delivery.repeat_seconds is not None:
                due_at = attempt.at + timedelta(seconds=lease.delivery.repeat_seconds)
                await transaction.set_repetitions(lease.delivery, due_at)
            if destination.health.failing_since is not None:
                destination = await transaction.destination(destination.community_id, destination.id)
                await transaction.save_destination_health(after_success(destination), attempt.at)

    async def _record_failure(self, lease: DeliveryLease, attempt: Attempt, error: DeliveryError) -> None:
        """Record the failure and what it means for delivery and destination, in one transaction."""
        at, delivery = attempt.at, lease.delivery
        async with self._store.transaction() as transaction:
            # As it is now: a person may have switched it on or off since the lease was taken.
            before = await transaction.destination(delivery.community_id, delivery.destination_id)
            after = after_failure(before, error, at)
            due_at = next_attempt_at(delivery, after, error, at)
            noted = error.progress if isinstance(error, DeliveryDeferred) else None
            progress = lease.progress if noted is None else noted
            await transaction.finish_attempt(lease, attempt, next_attempt_at=due_at, progress=progress)
            await transaction.save_destination_health(after, at)
            is_disabled = before.enabled and not after.enabled
            if is_disabled:
                await plan_destination_notices(transaction, after, at)
                await transaction.record(_disabling(after, at))
        log = logger().bind(delivery_id=delivery.id, destination_id=delivery.destination_id)
        if is_disabled:
            log.error("a destination was switched off, as it takes nothing any more", exc_info=error)
            self.wake()
        if due_at is None:
            log.error("a delivery was given up and can be replayed", attempts=attempt.number)

    async def _notice(self, lease: DeliveryLease) -> Notice:
        delivery = lease.delivery
        community_id = delivery.community_id
        incident: Incident | None = None
        source: SourceRecord | None = None
        about: Destination | None = None
        canary: Canary | None = None
        alerts: tuple[Alert, ...] = ()
        watchlists: dict[str, Watchlist] = {}
        told: tuple[ToldIncident, ...] = ()
        sources: tuple[SourceRecord, ...] = ()
        if delivery.incident_id is not None:
            incident = await self._store.incident(community_id, delivery.incident_id)
            watchlists = await watchlists_of(self._store, [incident])
            if delivery.event is EventType.INCIDENT_REPEATED:
                since = incident.first_seen_at
                alerts = await self._first_alerts(ToldIncident(incident=incident, event=delivery.event, since=since))
            elif delivery.event is not EventType.INCIDENT_RESOLVED:
                alerts = await self._alerts_of(delivery, incident)
        elif delivery.canary_id is not None:
            canary = await self._store.canary(community_id, delivery.canary_id)
            with suppress(NotFound):
                about = await self._store.destination(community_id, canary.destination_id)
                if canary.source_id is not None:
                    source = await self._store.source(community_id, canary.source_id)
        elif delivery.source_id is not None:
            with suppress(NotFound):  # deleted meanwhile
                source = await self._store.source_read_for(community_id, delivery.source_id)
        elif delivery.about_destination_id is not None:
            with suppress(NotFound):
                about = await self._store.destination(community_id, delivery.about_destination_id)
        elif delivery.event is EventType.INCIDENT_DIGEST:
            told = await self._store.told_incidents(community_id, delivery.id)
            watchlists = await watchlists_of(self._store, [one.incident for one in told])
            sources = await self._store.sources_counting_for(community_id)
        elif delivery.event is EventType.INCIDENT_GROUPED:
            told = await self._store.told_incidents(community_id, delivery.id)
            watchlists = await watchlists_of(self._store, [one.incident for one in told])
            alerts = tuple([alert for one in told[:MOST_INCIDENTS] for alert in await self._first_alerts(one)])
        elif delivery.event is EventType.TEST_PING:
            incident, alert, watchlist = sample_leak(community_id, self._clock.now())
            alerts, watchlists = (alert,), {watchlist.id: watchlist}
        community = await self._store.community(community_id)
        now = self._clock.now()
        shown = notice(
            delivery,
            lease.destination,
            community,
            watchlists,
            incident,
            alerts,
            now,
            source=source,
            about=about,
            told=told,
            sources=sources,
            canary=canary,
        )
        return await addressed(self._store, self._public_url, shown, delivery, lease.destination)

    async def _alerts_of(self, delivery: Delivery, incident: Incident) -> tuple[Alert, ...]:
        """Return the alerts for which the delivery was planned: those of its moment, or, where it has none, as it tells
        that the incident waits or that its snooze ended, the incident's first ones."""
        wanted = AlertFilter(incident_id=incident.id)
        listing = Listing(limit=MOST_TOLD, updated_since=delivery.created_at)
        part = await self._store.alerts(incident.community_id, listing, wanted)
        raised = tuple(alert for alert in part.items if alert.raised_at == delivery.created_at)
        if raised and delivery.event is not EventType.INCIDENT_ESCALATED:
            return raised
        return (await self._store.alerts(incident.community_id, Listing(limit=MOST_TOLD), wanted)).items

    async def _first_alerts(self, told: ToldIncident) -> tuple[Alert, ...]:
        """Return the first alerts of one of several incidents since the moment that it is told from."""
        if told.event is EventType.INCIDENT_RESOLVED:
            return ()
        listing = Listing(limit=MOST_TOLD_EACH, updated_since=told.since)
        wanted = AlertFilter(incident_id=told.incident.id)
        return (await self._store.alerts(told.incident.community_id, listing, wanted)).items


def _outcome(error: DeliveryError | None) -> AttemptOutcome:
    if error is None:
        return AttemptOutcome.DELIVERED
    if isinstance(error, DeliveryRefused):
        return AttemptOutcome.GONE if error.gone else AttemptOutcome.REFUSED
    return AttemptOutcome.DEFERRED


def _disabling(destination: Destination, at: datetime) -> AuditEntry:
    return AuditEntry(
        id=new_id("aud"),
        community_id=destination.community_id,
        actor=ACTOR,
        action="destination.disabled",
        object_id=destination.id,
        at=at,
    )
