"""The one place where the parts meet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from fastapi import FastAPI

from alerting.dispatch import Dispatcher
from alerting.scoring import Scorer
from api.app import create_app
from api.services import Services
from core.clock import Clock, SystemClock
from core.db.store import SqlStore
from core.http import GuardedClient
from core.plugins import Registry, discover
from core.ports import Matcher, Notifier, NotifierContext, Source
from core.settings import Settings
from core.types import Alert, Catalogue, Pack
from matchers.entities import EntityPipeline
from matchers.index import Index
from monitor.pipeline import Examiner, LivePipeline
from monitor.scheduler import Scheduler
from watchlists.packs import load_packs


@dataclass(frozen=True)
class Parts:
    """Everything that works without a database: the plug-ins, and the way to compile a catalogue."""

    settings: Settings
    clock: Clock
    sources: Registry[Source]
    matchers: Registry[Matcher]
    notifiers: Registry[Notifier]
    packs: tuple[Pack, ...]
    _matchers: tuple[Matcher, ...] = field(repr=False)

    @cached_property
    def entities(self) -> EntityPipeline:
        """The recognisers. Loading them takes a second, so it waits until somebody looks at a document.
        Raises SettingsError for phone regions or a model that do not exist."""
        return EntityPipeline(self.settings.phone_regions, self.settings.nlp_model)

    def index(self, catalogue: Catalogue) -> Index:
        """Return the catalogue's terms compiled for searching."""
        return Index(catalogue, self._matchers)

    def examiner(self, catalogue: Catalogue, *, minimum_score: int | None = None) -> Examiner:
        """Return the synchronous pipeline over the catalogue; the topic packs are added here.
        ``minimum_score`` (0 to 100) is the lowest that raises an alert, by default the setting's."""
        complete = Catalogue(
            communities=catalogue.communities,
            watchlists=catalogue.watchlists,
            terms=catalogue.terms,
            packs=self.packs,
            revision=catalogue.revision,
        )
        lowest = self.settings.monitor.minimum_score if minimum_score is None else minimum_score
        return Examiner(
            index=self.index(complete),
            entities=self.entities,
            scorer=Scorer(complete, minimum_score=lowest),
            clock=self.clock,
        )


@dataclass(frozen=True)
class Service:
    """Everything that runs on a database, in one process."""

    parts: Parts
    store: SqlStore
    pipeline: LivePipeline
    scheduler: Scheduler
    dispatcher: Dispatcher
    app: FastAPI


def build_parts(settings: Settings, clock: Clock | None = None) -> Parts:
    """Find the plug-ins and load what matching needs. Raises PluginError or SettingsError."""
    matchers = discover(Matcher, noun="matcher", package="matchers", group="leakwatch.matchers")  # type: ignore[type-abstract]
    return Parts(
        settings=settings,
        clock=clock or SystemClock(),
        sources=discover(Source, noun="source", package="sources", group="leakwatch.sources"),  # type: ignore[type-abstract]
        matchers=matchers,
        notifiers=discover(Notifier, noun="channel", package="alerting.notifiers", group="leakwatch.notifiers"),  # type: ignore[type-abstract]
        packs=load_packs(),
        _matchers=tuple(matchers.build(kind, {}) for kind in matchers.kinds()),
    )


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
    async with open_store(settings, clock) as store, GuardedClient(settings.http, clock) as http:
        dispatcher = Dispatcher(
            store,
            parts.notifiers,
            NotifierContext(http=http, clock=clock),
            lease_for=timedelta(seconds=settings.monitor.delivery_lease_seconds),
        )

        def tell(alerts: Sequence[Alert]) -> None:
            dispatcher.wake()
            raised(alerts)

        pipeline = LivePipeline(
            store,
            clock,
            examiner_for=parts.examiner,
            seen_for=timedelta(days=settings.monitor.seen_days),
            raised=tell,
        )
        scheduler = Scheduler(
            store,
            parts.sources,
            pipeline,
            http,
            clock,
            lease_for=timedelta(seconds=settings.monitor.source_lease_seconds),
        )

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
        yield Service(parts, store, pipeline, scheduler, dispatcher, app)
