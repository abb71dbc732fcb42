"""A place that hangs, or that many sources are read from, keeps no other from being read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.ports import Listing
from core.types import Community, JsonObject, SourceState
from monitor.parts import build_parts
from monitor.places import MOST_POLLS_OF_A_PLACE, Places
from monitor.scheduler import CONCURRENT_POLLS
from monitor.wiring import Service, open_service
from tests.service_fixtures import ManualClock, add, import_sample, settings_for
from tests.store_fixtures import source

FEED = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>f</id><updated>2026-11-20T10:00:00Z</updated>
<entry><id>e1</id><title>news</title><updated>2026-11-20T10:00:00Z</updated><content>a quiet day</content></entry>
</feed>"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(FEED), FEED)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def service(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Service]:
    async with open_service(build_parts(settings_for(tmp_path), clock)) as service:
        yield service


@asynccontextmanager
async def host(address: str, answers: asyncio.Event) -> AsyncIterator[str]:
    """A host that takes every request and answers none before the event; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answers.wait()
            writer.write(ANSWER)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, address, 0)
    async with server:
        yield f"http://{address}:{server.sockets[0].getsockname()[1]}"


async def states(service: Service, community: Community) -> list[SourceState]:
    return [source.state for source in (await service.store.sources(community.id, Listing(limit=100))).items]


async def test_a_host_that_hangs_leaves_places_for_the_others(
    service: Service, clock: ManualClock, tmp_path: Path
) -> None:
    community = await import_sample(service, tmp_path)
    never, at_once = asyncio.Event(), asyncio.Event()
    at_once.set()
    async with host("127.0.0.2", never) as hanging, host("127.0.0.3", at_once) as lively:
        for number in range(2 * CONCURRENT_POLLS):
            await add(service, community, "feed", {"url": f"{hanging}/{number}"})
        clock.moment += timedelta(seconds=1)
        others = [await add(service, community, "feed", {"url": f"{lively}/{number}"}) for number in range(5)]
        loop = asyncio.create_task(service.scheduler.run())
        async with asyncio.timeout(25):
            while (await states(service, community)).count(SourceState.HEALTHY) < len(others):
                await asyncio.wait([loop], timeout=0.02)
        assert (await states(service, community)).count(SourceState.NEW) == 2 * CONCURRENT_POLLS
        never.set()
        async with asyncio.timeout(25):
            while SourceState.NEW in await states(service, community):
                await asyncio.wait([loop], timeout=0.02)
        loop.cancel()
        await asyncio.wait([loop])
        assert loop.cancelled()


@pytest.mark.parametrize(
    ("kind", "settings", "others"),
    [
        ("feed", {"url": "http://one.example/a"}, {"url": "https://one.example:444/b"}),
        ("hackernews", {}, {}),
        ("files", {"path": "/a"}, {"path": "/b"}),
        ("paste", {"listing": "http://one.example/"}, {"url": "https://one.example"}),
    ],
)
def test_sources_are_of_one_place_by_their_hosts_or_else_their_kind(
    tmp_path: Path, kind: str, settings: JsonObject, others: JsonObject
) -> None:
    places = Places(build_parts(settings_for(tmp_path)).sources)
    elsewhere = source("src_c", "com_1", settings={"url": "http://two.example/a"})
    inside = [replace(source(f"src_{n}", "com_1", settings=settings), kind=kind) for n in range(MOST_POLLS_OF_A_PLACE)]
    late = replace(source("src_late", "com_1", settings=others), kind=kind)
    assert [places.enter(one) for one in inside] == [True] * MOST_POLLS_OF_A_PLACE
    assert not places.enter(late)
    assert places.kept_out() == {"src_late", *(one.id for one in inside)}
    assert places.enter(elsewhere)
    places.leave(inside[0])
    assert places.kept_out() == frozenset()
    assert places.enter(late)
