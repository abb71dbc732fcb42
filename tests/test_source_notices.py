"""A community is told once that a source is in trouble, and once that it works again, at every detail level."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerting.notifiers.email import compose
from alerting.rendering import notice
from core.errors import DOES_NOT_OPEN
from core.ports import Listing
from core.types import (
    Community,
    Delivery,
    DeliveryState,
    Detail,
    EventType,
    Notice,
    Severity,
    SourceHealth,
    SourceRecord,
    SourceState,
)
from monitor.parts import build_parts
from monitor.setup import add_destination, audit_entry
from monitor.wiring import Service, open_service
from tests.alerting_fixtures import START, destination
from tests.service_fixtures import WATCHLIST, ManualClock, add, import_sample, settings_for

FEED = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>f</id><updated>2026-11-20T10:00:00Z</updated></feed>'
)
LEASE = timedelta(minutes=5)
DELIVERY = Delivery(
    id="dlv_1", community_id="com_1", destination_id="dst_1", incident_id=None, source_id="src_1",
    event=EventType.SOURCE_FAILING, sequence=3, idempotency_key="msg_1", state=DeliveryState.PENDING, attempts=0,
    created_at=START, next_attempt_at=START,
)  # fmt: skip
SOURCE = SourceRecord(
    id="src_1", community_id="com_1", kind="feed", name="Town\r\nforum", settings={"url": "https://forum.example/feed"},
    state=SourceState.FAILING, last_error="forum.example cannot answer now (status 503)", failure_count=4,
    health=SourceHealth(failing_since=START, was_told=True), created_at=START, updated_at=START,
)  # fmt: skip


def rendered(source: SourceRecord | None, event: EventType, detail: Detail = Detail.REDACTED) -> Notice:
    return notice(
        replace(DELIVERY, event=event),
        destination({}, detail=detail),
        Community(id="com_1", name="Harbor Commons"),
        {},
        None,
        (),
        START,
        source=source,
    )


@pytest.fixture
def bodies(httpserver: HTTPServer) -> list[dict[str, Any]]:
    """Return what the webhook is told, as it comes."""
    told: list[dict[str, Any]] = []

    def take(request: Request) -> Response:
        told.append(json.loads(request.get_data()))
        return Response(status=204)

    httpserver.expect_request("/hook", method="POST").respond_with_handler(take)
    return told


async def add_moderators(service: Service, community: Community, httpserver: HTTPServer, minimum: Severity) -> None:
    await add_destination(
        service.store,
        service.parts,
        community.id,
        kind="webhook",
        name="moderators",
        settings={"url": httpserver.url_for("/hook"), "secret": "whsec_" + "A" * 32},
        minimum_severity=minimum,
    )


async def run_until(service: Service, clock: ManualClock, moment: timedelta) -> None:
    """Poll and deliver whatever becomes due until then."""
    end = clock.moment + moment
    while True:
        now = clock.moment
        while (lease := await service.store.take_due_source(now, LEASE)) is not None:
            await service.scheduler.poll(lease)
        while (delivery := await service.store.take_due_delivery(now, LEASE)) is not None:
            await service.dispatcher.deliver(delivery)
        due_at = await service.store.next_source_due_at()
        if due_at is None or due_at > end:
            clock.moment = end
            return
        clock.moment = due_at


async def test_a_source_that_fails_for_long_is_told_once_and_so_is_its_recovery(
    tmp_path: Path, httpserver: HTTPServer, bodies: list[dict[str, Any]]
) -> None:
    answers = [Response(FEED, 200)]
    httpserver.expect_request("/feed").respond_with_handler(lambda _: answers[0])
    clock = ManualClock()
    async with open_service(build_parts(settings_for(tmp_path), clock)) as service:
        community = await import_sample(service, tmp_path)
        await add_moderators(service, community, httpserver, Severity.CRITICAL)
        source = await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
        await run_until(service, clock, timedelta(hours=1))
        answers[0] = Response("", 503)
        await run_until(service, clock, timedelta(days=1))
        assert [body["type"] for body in bodies] == ["source.failing"]
        failing = await service.store.source(community.id, source.id)
        answers[0] = Response(FEED, 200)
        await run_until(service, clock, timedelta(hours=7))
        works = await service.store.source(community.id, source.id)
        deliveries = (await service.store.deliveries(community.id, Listing())).items

    assert [body["type"] for body in bodies] == ["source.failing", "source.recovered"]
    assert bodies[0]["data"]["source"] == {
        "id": source.id,
        "kind": "feed",
        "state": "failing",
        "since": failing.health.failing_since.isoformat() if failing.health.failing_since else None,
        "name": "sample feed",
        "error": "127.0.0.1 cannot answer now (status 503)",
    }
    assert bodies[0]["data"]["incident"] is None
    assert bodies[1]["data"]["summary"] == "Source works again: sample feed (feed)"
    assert {delivery.source_id for delivery in deliveries} == {source.id}
    (blind,) = works.health.blind_intervals
    assert blind.from_at == failing.last_success_at
    assert blind.reason == "it was not read: 127.0.0.1 cannot answer now (status 503)"


async def test_a_source_that_was_deleted_after_it_failed_is_told_all_the_same(
    tmp_path: Path, httpserver: HTTPServer, bodies: list[dict[str, Any]]
) -> None:
    httpserver.expect_request("/feed").respond_with_data("", status=503)
    clock = ManualClock()
    parts = build_parts(settings_for(tmp_path, failing_polls=1, failing_minutes=0), clock)
    async with open_service(parts) as service:
        community = await import_sample(service, tmp_path)
        await add_moderators(service, community, httpserver, Severity.MEDIUM)
        source = await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
        lease = await service.store.take_due_source(clock.now(), LEASE)
        assert lease is not None
        await service.scheduler.poll(lease)
        entry = audit_entry(clock, community.id, "source.deleted", source.id)
        await service.store.delete_source(community.id, source.id, audit=entry)
        await run_until(service, clock, timedelta())
    (body,) = bodies
    assert (body["type"], body["data"]["source"]) == ("source.failing", None)
    assert body["data"]["summary"] == "A source was in trouble and has been deleted since"


async def test_people_are_told_at_once(tmp_path: Path, httpserver: HTTPServer, bodies: list[dict[str, Any]]) -> None:
    httpserver.expect_request("/feed").respond_with_data("", status=503)
    parts = build_parts(settings_for(tmp_path, failing_polls=1, failing_minutes=0), ManualClock())
    async with open_service(parts) as service:
        community = await import_sample(service, tmp_path)
        await add_moderators(service, community, httpserver, Severity.MEDIUM)
        await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(job.run()) for job in (service.dispatcher, service.scheduler)]
            async with asyncio.timeout(20):
                while not bodies:  # noqa: ASYNC110  # the clock stands still: nothing comes by waiting for its time
                    await asyncio.sleep(0.01)
            for job in jobs:
                job.cancel()
    assert [body["type"] for body in bodies] == ["source.failing"]


@pytest.mark.parametrize("column", ["sealed", "sealed_cursor"])
async def test_a_source_that_does_not_open_is_told_and_read_again_once_it_does(
    tmp_path: Path, httpserver: HTTPServer, bodies: list[dict[str, Any]], column: str
) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED)
    clock = ManualClock()
    async with open_service(build_parts(settings_for(tmp_path), clock)) as service:
        community = await import_sample(service, tmp_path)
        await add_moderators(service, community, httpserver, Severity.MEDIUM)
        source = await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
        await run_until(service, clock, timedelta(hours=5))
        read_until = clock.moment
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3", isolation_level=None)) as database:
            ((kept,),) = database.execute(f"select {column} from source").fetchall()
            database.execute(f"update source set {column} = zeroblob(60)")
            await run_until(service, clock, timedelta(days=1))
            failing = await service.store.source(community.id, source.id)
            listed = (await service.store.sources(community.id, Listing())).items
            database.execute(f"update source set {column} = ?", (kept,))
        await run_until(service, clock, timedelta(hours=7))
        works = await service.store.source(community.id, source.id)
    assert (failing.state, failing.opens, listed) == (SourceState.FAILING, False, (failing,))
    assert failing.name == (source.id if column == "sealed" else "sample feed")
    assert failing.last_error == DOES_NOT_OPEN
    assert failing.last_success_at is not None
    assert failing.last_success_at <= read_until
    assert [body["type"] for body in bodies] == ["source.failing", "source.recovered"]
    assert (works.state, works.opens, works.name) == (SourceState.HEALTHY, True, "sample feed")


async def test_a_destination_that_does_not_open_keeps_nobody_from_being_told(
    tmp_path: Path, httpserver: HTTPServer, bodies: list[dict[str, Any]]
) -> None:
    clock = ManualClock()
    async with open_service(build_parts(settings_for(tmp_path, failing_polls=1, failing_minutes=0), clock)) as service:
        community = await import_sample(service, tmp_path)
        await add_moderators(service, community, httpserver, Severity.MEDIUM)
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3", isolation_level=None)) as database:
            database.execute("update destination set sealed = zeroblob(60)")
        await add_moderators(service, community, httpserver, Severity.MEDIUM)
        await add(service, community, "files", {"path": str(tmp_path / "nowhere")})
        await run_until(service, clock, timedelta(minutes=1))
    assert [body["type"] for body in bodies] == ["source.failing"]


async def test_every_community_that_a_shared_source_is_read_for_is_told_and_one_that_does_not_open_keeps_no_other(
    tmp_path: Path, httpserver: HTTPServer, bodies: list[dict[str, Any]]
) -> None:
    clock = ManualClock()
    async with open_service(build_parts(settings_for(tmp_path, failing_polls=1, failing_minutes=0), clock)) as service:
        names = ("Harbor Commons", "Pier Poets", "Quay Choir")
        owner, poets, choir = [
            await import_sample(service, tmp_path, WATCHLIST.replace("Harbor Commons", name)) for name in names
        ]
        for community in (owner, poets, choir):
            await add_moderators(service, community, httpserver, Severity.MEDIUM)
        own = await add(service, owner, "files", {"path": str(tmp_path / "nowhere")})
        shared = replace(own, id="src_shared", name="all files", shared=True)
        await service.store.add_source(shared, audit=audit_entry(clock, owner.id, "source.created", shared.id))
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3", isolation_level=None)) as database:
            ((kept,),) = database.execute("select wrapped_key from community where id = ?", (choir.id,)).fetchall()
            database.execute("update community set wrapped_key = zeroblob(60) where id = ?", (choir.id,))
            while (lease := await service.store.take_due_source(clock.now(), LEASE)) is not None:
                await service.scheduler.poll(lease)
            database.execute("update community set wrapped_key = ? where id = ?", (kept, choir.id))
        await run_until(service, clock, timedelta(minutes=1))
    told = sorted((body["data"]["community"], body["data"]["source"]["name"]) for body in bodies)
    assert told == [
        ("Harbor Commons", "all files"),
        ("Harbor Commons", "sample files"),
        ("Pier Poets", "all files"),
    ]


async def test_where_the_keys_of_a_community_do_not_open_a_poll_fails_alone(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    clock = ManualClock()
    async with open_service(build_parts(settings_for(tmp_path), clock)) as service:
        community = await import_sample(service, tmp_path)
        source = await add(service, community, "files", {"path": str(tmp_path / "nowhere")})
        lease = await service.store.take_due_source(clock.moment, LEASE)
        assert lease is not None
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3", isolation_level=None)) as database:
            ((kept,),) = database.execute("select wrapped_key from community").fetchall()
            database.execute("update community set wrapped_key = zeroblob(60)")
            await service.scheduler.poll(lease)
            database.execute("update community set wrapped_key = ?", (kept,))
        assert (await service.store.source(community.id, source.id)).state is SourceState.NEW


def test_the_summary_says_which_source_and_since_when() -> None:
    failing = rendered(SOURCE, EventType.SOURCE_FAILING).summary
    assert failing == (
        f"Source failing: Town  forum (feed) since {START:%Y-%m-%d %H:%M} UTC: "
        "forum.example cannot answer now (status 503)"
    )
    silent = replace(
        SOURCE, state=SourceState.SILENT, last_error=None, health=SourceHealth(last_new_at=START, was_told=True)
    )
    assert (
        rendered(silent, EventType.SOURCE_FAILING).summary
        == f"Source silent: Town  forum (feed), nothing new since {START:%Y-%m-%d %H:%M} UTC"
    )


def test_a_destination_that_is_told_numbers_only_learns_neither_name_nor_place() -> None:
    shown = rendered(SOURCE, EventType.SOURCE_FAILING, Detail.COUNTS)
    assert shown.summary == f"Source failing: one of kind feed since {START:%Y-%m-%d %H:%M} UTC"
    assert "forum" not in repr(shown)


def test_the_messages_about_a_source_are_one_thread_and_say_what_it_means() -> None:
    messages = [
        compose(rendered(SOURCE, event), "leakwatch@example.org")
        for event in (EventType.SOURCE_FAILING, EventType.SOURCE_RECOVERED)
    ]
    assert {message["References"] for message in messages} == {"<src_1@example.org>"}
    failing, recovered = (message.as_string() for message in messages)
    assert "may be missed" in failing
    assert "may be missed" not in recovered
