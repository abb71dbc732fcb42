"""Takes due sources, polls them, and hands their pages to the pipeline. Scheduling is a query: the rows say
when a source is due and who holds it, so any number of processes may run this loop on one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from alerting.canaries import is_in
from alerting.planning import plan_source_notices
from core.clock import Clock
from core.errors import (
    DOES_NOT_OPEN,
    CryptoError,
    LeakwatchError,
    LeaseLost,
    SourceBroken,
    SourceUnavailable,
    StoreError,
)
from core.logs import logger
from core.plugins import Registry
from core.ports import HttpClient, Source, SourceContext, Store, Transaction
from core.types import Page, SourceLease, SourceRecord
from monitor.health import Judge, event_between
from monitor.pipeline import LivePipeline
from monitor.places import Places

LONGEST_WAIT = timedelta(seconds=10)
"""Another process may add a source, so the rows are looked at again after this time at the latest."""
CONCURRENT_POLLS = 8
SHARE_OF_LEASE = 0.8
"""Reading must end within this share of the lease."""
RENEWALS = 3
"""How often a lease is renewed in the time for which it is taken: one that fails does not lose it."""


class Scheduler:
    """The loop over due sources."""

    def __init__(
        self,
        store: Store,
        sources: Registry[Source],
        pipeline: LivePipeline,
        http: HttpClient,
        clock: Clock,
        judge: Judge,
        *,
        lease_for: timedelta,
        planned: Callable[[], None],
    ) -> None:
        """``planned`` is called when there is something to tell people of a source."""
        self._store = store
        self._sources = sources
        self._pipeline = pipeline
        self._http = http
        self._clock = clock
        self._judge = judge
        self._lease_for = lease_for
        self._planned = planned
        self._places = Places(sources)
        self._polled: set[str] = set()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look at the rows again now: something changed."""
        self._wake.set()

    async def run(self) -> None:
        """Poll due sources until cancelled, several at a time, but few of one place. What fails in the database is
        tried again."""
        polls: set[asyncio.Task[None]] = set()

        def begin(lease: SourceLease) -> None:
            poll = group.create_task(self.poll(lease))
            polls.add(poll)
            self._polled.add(lease.source.id)

            def ended(_: asyncio.Task[None]) -> None:
                polls.discard(poll)
                self._polled.discard(lease.source.id)
                self._places.leave(lease.source)
                self._wake.set()

            poll.add_done_callback(ended)

        async with asyncio.TaskGroup() as group:
            while True:
                look_again_at = self._clock.now() + LONGEST_WAIT
                try:
                    while len(polls) < CONCURRENT_POLLS:
                        # One that is polled here is not taken again, even where its lease could not be renewed.
                        others = self._places.kept_out() | self._polled
                        lease = await self._store.take_due_source(self._clock.now(), self._lease_for, besides=others)
                        if lease is None:
                            due_at = await self._store.next_source_due_at(besides=others)
                            look_again_at = min(look_again_at, due_at or look_again_at)
                            break
                        if self._places.enter(lease.source):
                            begin(lease)
                        else:  # where it is read was not known before
                            await self._store.give_source_back(lease)
                except (StoreError, CryptoError) as error:
                    logger().error("sources cannot be taken", exc_info=error)
                await self._clock.wait_until(look_again_at, self._wake)

    async def poll(self, lease: SourceLease) -> None:
        """Poll the leased source once and record what came of it: a page, or why there is none."""
        source = lease.source
        log = logger().bind(source_id=source.id, kind=source.kind)
        began_at = self._clock.now()
        try:
            if lease.taken_over:
                log.warning("nothing came of the last poll, and its lease was taken over")
                lease = await self._note_unended(lease)
                source = lease.source
            async with self._held(lease):
                page = await self._read(lease)
                canaries = await self._store.waiting_canaries(source.id)
                after = source

                async def finish(transaction: Transaction, new_count: int, unexamined: str | None) -> None:
                    nonlocal after
                    at = self._clock.now()
                    after = self._judge.after_page(
                        source, page, new_count=new_count, unexamined=unexamined, began_at=began_at, at=at
                    )
                    await transaction.finish_poll(lease, _not_told_yet(source, after))
                    if canaries:
                        given = [one.id for one in canaries if any(is_in(one, each) for each in page.documents)]
                        await transaction.note_reading(source.id, given, at)

                intake = await self._pipeline.process_page(source, page, finish)
                await self._tell(source, after)
        except asyncio.CancelledError:
            await self._give_back(lease)
            raise
        except LeaseLost as error:
            log.warning("a poll took longer than its lease", exc_info=error)
        except LeakwatchError as error:
            log.warning("a source cannot be read", exc_info=error)
            await self._record_failure(lease, error)
        except Exception as error:  # a plug-in may raise anything: it must not stop the others
            log.error("a source failed unexpectedly", exc_info=error)
            await self._record_failure(lease, SourceUnavailable(f"unexpected {type(error).__name__}"))
        else:
            log.info("a page was read", documents=len(page.documents), alerts=len(intake.alerts), more=page.more)

    async def _read(self, lease: SourceLease) -> Page:
        record = lease.source
        if not record.opens:
            raise SourceBroken(DOES_NOT_OPEN)
        search_terms = await self._store.search_terms(record.community_id, self._clock.now())
        context = SourceContext(name=record.name, http=self._http, clock=self._clock, search_terms=search_terms)
        source = self._sources.build(record.kind, record.settings, context)
        limit_seconds = self._lease_for.total_seconds() * SHARE_OF_LEASE
        try:
            async with asyncio.timeout(limit_seconds):
                return await source.poll(record.cursor)
        except TimeoutError:
            raise SourceUnavailable(f"one poll took longer than {limit_seconds:.0f} seconds") from None

    @asynccontextmanager
    async def _held(self, lease: SourceLease) -> AsyncIterator[None]:
        """Renew the lease meanwhile: a long text may take longer to examine than a lease lasts."""
        renewing = asyncio.create_task(self._renew(lease))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])

    async def _renew(self, lease: SourceLease) -> None:
        while True:
            await self._clock.wait_until(self._clock.now() + self._lease_for / RENEWALS, asyncio.Event())
            try:
                await self._store.renew_source_lease(lease, self._clock.now() + self._lease_for)
            except LeaseLost:
                return  # recording the page says so
            except StoreError as error:
                logger().warning("a lease cannot be renewed now", source_id=lease.source.id, exc_info=error)

    async def _record_failure(self, lease: SourceLease, error: LeakwatchError) -> None:
        after = self._judge.after_failure(lease.source, error, at=self._clock.now())
        try:
            async with self._store.transaction() as transaction:
                await transaction.finish_poll(lease, _not_told_yet(lease.source, after))
            await self._tell(lease.source, after)
        except LeakwatchError as failure:
            # The lease runs out, and the poll is repeated from the same cursor.
            logger().error("a failed poll cannot be recorded", source_id=lease.source.id, exc_info=failure)

    async def _note_unended(self, lease: SourceLease) -> SourceLease:
        """Count the poll of which nothing came, before one more begins: that may end in the same way."""
        after = self._judge.after_unended_poll(lease.source, at=self._clock.now())
        async with self._store.transaction() as transaction:
            await transaction.note_health(lease, _not_told_yet(lease.source, after))
        await self._tell(lease.source, after)
        return replace(lease, source=after)

    async def _give_back(self, lease: SourceLease) -> None:
        """End the lease of a poll that was broken off, so that nobody has to wait for that, or takes it for lost."""
        try:
            await self._store.give_source_back(lease)
        except LeaseLost:
            return  # the poll was recorded just now
        except StoreError as error:
            logger().warning("a lease cannot be given back", source_id=lease.source.id, exc_info=error)

    async def _tell(self, before: SourceRecord, after: SourceRecord) -> None:
        """Plan what people are told of the source after its poll. In a transaction of its own: where that fails, the
        poll counts all the same, and the next one plans it again."""
        event = event_between(before, after)
        if event is None:
            return
        try:
            async with self._store.transaction() as transaction:
                if await transaction.note_told(after):
                    await plan_source_notices(transaction, after, event, after.updated_at)
        except LeakwatchError as error:
            logger().error("a notice about a source cannot be planned now", source_id=after.id, exc_info=error)
        else:
            self._planned()


def _not_told_yet(before: SourceRecord, after: SourceRecord) -> SourceRecord:
    """Return the source after its poll, of which people know what they knew before."""
    return replace(after, health=replace(after.health, was_told=before.health.was_told))
