"""Takes due sources, polls them, and hands their pages to the pipeline. Scheduling is a query: the rows say
when a source is due and who holds it, so any number of processes may run this loop on one database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from alerting.planning import plan_source_notices
from core.clock import Clock
from core.errors import (
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

LONGEST_WAIT = timedelta(seconds=10)
"""Another process may add a source, so the rows are looked at again after this time at the latest."""
CONCURRENT_POLLS = 8
SHARE_OF_LEASE = 0.8
"""A poll must end well before its lease does, so that its page can still be recorded."""

UNREADABLE = "what is kept of it does not open: restore the database from a backup, or delete it and add it again"


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
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look at the rows again now: something changed."""
        self._wake.set()

    async def run(self) -> None:
        """Poll due sources until cancelled, several at a time. What fails in the database is tried again."""
        polls: set[asyncio.Task[None]] = set()

        def ended(poll: asyncio.Task[None]) -> None:
            polls.discard(poll)
            self._wake.set()

        async with asyncio.TaskGroup() as group:
            while True:
                look_again_at = self._clock.now() + LONGEST_WAIT
                try:
                    while len(polls) < CONCURRENT_POLLS:
                        lease = await self._store.take_due_source(self._clock.now(), self._lease_for)
                        if lease is None:
                            look_again_at = min(look_again_at, await self._store.next_source_due_at() or look_again_at)
                            break
                        poll = group.create_task(self.poll(lease))
                        polls.add(poll)
                        poll.add_done_callback(ended)
                except (StoreError, CryptoError) as error:
                    logger().error("sources cannot be taken", exc_info=error)
                await self._clock.wait_until(look_again_at, self._wake)

    async def poll(self, lease: SourceLease) -> None:
        """Poll the leased source once and record what came of it: a page, or why there is none."""
        source = lease.source
        log = logger().bind(source_id=source.id, kind=source.kind)
        began_at = self._clock.now()
        try:
            page = await self._read(lease)
            after = source

            async def finish(transaction: Transaction, new_count: int) -> None:
                nonlocal after
                at = self._clock.now()
                after = self._judge.after_page(source, page, new_count=new_count, began_at=began_at, at=at)
                await _record(transaction, lease, after)

            intake = await self._pipeline.process_page(source, page, finish)
            self._tell(source, after)
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
            raise SourceBroken(UNREADABLE)
        search_terms = await self._store.search_terms(record.community_id, self._clock.now())
        context = SourceContext(name=record.name, http=self._http, clock=self._clock, search_terms=search_terms)
        source = self._sources.build(record.kind, record.settings, context)
        limit_seconds = self._lease_for.total_seconds() * SHARE_OF_LEASE
        try:
            async with asyncio.timeout(limit_seconds):
                return await source.poll(record.cursor)
        except TimeoutError:
            raise SourceUnavailable(f"one poll took longer than {limit_seconds:.0f} seconds") from None

    async def _record_failure(self, lease: SourceLease, error: LeakwatchError) -> None:
        after = self._judge.after_failure(lease.source, error, at=self._clock.now())
        try:
            async with self._store.transaction() as transaction:
                await _record(transaction, lease, after)
            self._tell(lease.source, after)
        except StoreError as failure:
            # The lease runs out, and the poll is repeated from the same cursor.
            logger().error("a failed poll cannot be recorded", source_id=lease.source.id, exc_info=failure)

    def _tell(self, before: SourceRecord, after: SourceRecord) -> None:
        if event_between(before, after) is not None:
            self._planned()


async def _record(transaction: Transaction, lease: SourceLease, after: SourceRecord) -> None:
    """Record the source as it is after its poll, and plan what its community is told of that."""
    await transaction.finish_poll(lease, after)
    event = event_between(lease.source, after)
    if event is not None:
        await plan_source_notices(transaction, after, event, after.updated_at)
