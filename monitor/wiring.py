"""The one place where the parts meet the database, the network and the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from fastapi import FastAPI

from alerting.digests import Digests
from alerting.dispatch import Dispatcher
from alerting.escalation import Escalator
from alerting.joining import Memory
from alerting.snoozing import Snoozes
from api.app import create_app
from api.services import Services
from core.clock import Clock, SystemClock
from core.db.store import SqlStore
from core.http import GuardedClient
from core.ports import NotifierContext
from core.settings import Settings
from core.types import Alert
from monitor.canaries import CanaryWatch
from monitor.following import Follower
from monitor.health import Judge
from monitor.parts import Parts
from monitor.pipeline import LivePipeline
from monitor.scheduler import Scheduler


@dataclass(frozen=True)
class Service:
    """Everything that runs on a database, in one process."""

    parts: Parts
    store: SqlStore
    pipeline: LivePipeline
    scheduler: Scheduler
    dispatcher: Dispatcher
    escalator: Escalator
    digests: Digests
    snoozes: Snoozes
    canaries: CanaryWatch
    app: FastAPI


@asynccontextmanager
async def open_store(settings: Settings, clock: Clock | None = None) -> AsyncIterator[SqlStore]:
    """Open the database for the time of the block. Raises StoreError or CryptoError."""
    store = SqlStore(settings, clock or SystemClock())
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_service(
    parts: Parts, *, raised: Callable[[Sequence[Alert]], None] = lambda _: None
) -> AsyncIterator[Service]:
    """Put all parts together on the settings' database, for the time of the block. Nothing runs yet.
    ``raised`` is told of new alerts after they are recorded."""
    settings, clock = parts.settings, parts.clock
    async with (
        open_store(settings, clock) as store,
        GuardedClient(settings.http, clock) as http,
        GuardedClient(settings.http, clock, paced=False) as http_of_channels,
    ):
        parts = parts.keyed()
        dispatcher = Dispatcher(
            store,
            parts.notifiers,
            NotifierContext(http=http_of_channels, clock=clock),
            lease_for=timedelta(seconds=settings.monitor.delivery_lease_seconds),
            public_url=None if settings.public_url is None else str(settings.public_url),
        )

        def tell(alerts: Sequence[Alert]) -> None:
            dispatcher.wake()
            raised(alerts)

        follower = Follower(store, clock, parts.examiner)
        pipeline = LivePipeline(
            store,
            clock,
            examiner=follower.examiner,
            examiner_for=parts.examiner,
            shingler=parts.fingerprinter.placed,
            seen_for=timedelta(days=settings.monitor.seen_days),
            memory=Memory(
                of_leaks=timedelta(days=settings.incidents.memory_days),
                of_members=timedelta(hours=settings.incidents.person_hours),
                of_pieces=timedelta(days=settings.incidents.mosaic_days),
            ),
            max_characters=settings.monitor.max_characters,
            raised=tell,
        )
        scheduler = Scheduler(
            store,
            parts.sources,
            pipeline,
            http,
            clock,
            Judge(settings.monitor),
            lease_for=timedelta(seconds=settings.monitor.source_lease_seconds),
            planned=dispatcher.wake,
        )

        escalator = Escalator(store, clock, planned=dispatcher.wake)
        canaries = CanaryWatch(store, clock, planned=dispatcher.wake)

        def changed() -> None:
            scheduler.wake()
            dispatcher.wake()

        app = create_app(
            Services(
                store=store,
                clock=clock,
                pipeline=pipeline,
                sources=parts.sources,
                notifiers=parts.notifiers,
                packs=parts.packs,
                settings=settings.api,
                changed=changed,
            )
        )
        try:
            digests = Digests(store, clock, planned=dispatcher.wake)
            snoozes = Snoozes(store, clock, planned=dispatcher.wake)
            yield Service(parts, store, pipeline, scheduler, dispatcher, escalator, digests, snoozes, canaries, app)
        finally:
            await follower.close()
