"""A source whose service is stopped and started again, at whatever moment, neither skips nor repeats anything."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pytest_httpserver import HTTPServer
from sqlalchemy import Pool, event
from werkzeug import Request, Response

from alerting.joining import Memory
from core.db.store import SqlStore
from core.http import GuardedClient
from core.ports import AlertFilter, Listing
from core.types import Community
from monitor.health import Judge
from monitor.parts import Parts, build_parts
from monitor.pipeline import Examiner, LivePipeline
from monitor.scheduler import Scheduler
from monitor.wiring import open_service, open_store
from tests.service_fixtures import ManualClock, add, import_sample, settings_for

RESTARTS = 50
LEASE = timedelta(minutes=5)
LISTED = 60
MOST_NEW = 3
STEPS = 24
"""A little more than a poll that finds something needs."""


@dataclass
class Forum:
    """A forum whose feed lists the newest posts, all of them about a watched handle."""

    count: int = 0
    listed: deque[str] = field(default_factory=lambda: deque(maxlen=LISTED))

    def post(self, number: int) -> None:
        for _ in range(number):
            self.count += 1
            self.listed.appendleft(
                f"<entry><id>post-{self.count}</id><title>post {self.count}</title>"
                f"<content>night_heron was seen, {self.count} times by now</content></entry>"
            )

    def answer(self, request: Request) -> Response:
        if request.headers.get("If-None-Match") == f'"{self.count}"':
            return Response(status=304)
        feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>forum</title>{"".join(self.listed)}</feed>'
        return Response(feed, headers={"ETag": f'"{self.count}"'}, content_type="application/atom+xml")


@asynccontextmanager
async def started(parts: Parts, examiner: Examiner) -> AsyncIterator[tuple[SqlStore, Scheduler]]:
    """Start what reads sources, on the database as it was left."""

    async def compiled() -> Examiner:
        return examiner

    async with (
        open_store(parts.settings, parts.clock) as store,
        GuardedClient(parts.settings.http, parts.clock) as http,
    ):
        pipeline = LivePipeline(
            store,
            parts.clock,
            examiner=compiled,
            examiner_for=parts.examiner,
            shingler=parts.fingerprinter.placed,
            seen_for=timedelta(days=90),
            memory=Memory(),
            max_characters=parts.settings.monitor.max_characters,
            raised=lambda _: None,
        )
        judge = Judge(parts.settings.monitor)
        yield (
            store,
            Scheduler(store, parts.sources, pipeline, http, parts.clock, judge, lease_for=LEASE, planned=lambda: None),
        )


async def poll_all(store: SqlStore, scheduler: Scheduler, clock: ManualClock) -> None:
    while (lease := await store.take_due_source(clock.now(), LEASE)) is not None:
        await scheduler.poll(lease)


async def poll_until(step: int, polling: asyncio.Task[None]) -> bool:
    """Wait for the polling, but stop it where it takes or gives back its connection to the database for the
    ``step``-th time; return whether it was stopped."""
    steps = itertools.count()

    def stepped(*_: object) -> None:
        if next(steps) == step:
            polling.cancel()

    for moment in ("checkout", "checkin"):
        event.listen(Pool, moment, stepped)
    try:
        await asyncio.wait([polling])
    finally:
        for moment in ("checkout", "checkin"):
            event.remove(Pool, moment, stepped)
    return polling.cancelled()


async def found(store: SqlStore, community: Community) -> list[str | None]:
    """Return the external ids of the documents of all alerts, in order."""
    ids: list[str | None] = []
    cursor: str | None = None
    while True:
        part = await store.alerts(community.id, Listing(limit=200, cursor=cursor), AlertFilter())
        ids += [alert.document.external_id for alert in part.items]
        cursor = part.next_cursor
        if cursor is None:
            return sorted(ids, key=lambda external_id: int((external_id or "0").rpartition("-")[2]))


async def test_a_feed_whose_service_is_restarted_at_fifty_moments_neither_skips_nor_repeats(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    chance = random.Random(5)
    forum = Forum()
    httpserver.expect_request("/feed").respond_with_handler(forum.answer)
    clock = ManualClock()
    parts = build_parts(settings_for(tmp_path), clock)
    async with open_service(parts) as service:
        community = await import_sample(service, tmp_path)
        await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
        examiner = parts.examiner(await service.store.catalogue(clock.now()))
    stopped = 0
    for _ in range(RESTARTS):
        forum.post(chance.randint(0, MOST_NEW))
        async with started(parts, examiner) as (store, scheduler):
            polling = asyncio.create_task(poll_all(store, scheduler, clock))
            stopped += await poll_until(chance.randrange(STEPS), polling)
        clock.moment += timedelta(hours=5)  # the lease of a poll that was stopped has ended, and the source is due
    async with started(parts, examiner) as (store, scheduler):
        await poll_all(store, scheduler, clock)
        assert await found(store, community) == [f"post-{number}" for number in range(1, forum.count + 1)]
    assert RESTARTS / 2 < stopped < RESTARTS
    assert forum.count > LISTED  # more than one reading of the feed could have given
