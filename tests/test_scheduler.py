"""Due sources are polled, what fails is tried again later, and nothing that a source does stops the others."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Pool, event
from werkzeug import Response

from core.clock import SystemClock
from core.errors import LeaseLost
from core.ports import AlertFilter, Intake, Listing, Transaction
from core.types import Document, EventType, Finding, Page, Severity, SourceRecord, SourceState
from monitor.health import UNENDED
from monitor.parts import build_parts
from monitor.pipeline import Examiner, Finish
from monitor.setup import add_destination, audit_entry
from monitor.wiring import Service, open_service
from tests.service_fixtures import ManualClock, add, import_sample, settings_for, write_documents

FEED = """<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>f</id><updated>2026-11-20T10:00:00Z</updated>
<entry><id>e1</id><title>news</title><updated>2026-11-20T10:00:00Z</updated><content>n1ght_h3ron is Ana Bell</content>
</entry></feed>"""
LEASE = timedelta(seconds=60)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def service(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Service]:
    async with open_service(build_parts(settings_for(tmp_path), clock)) as service:
        yield service


async def poll_all(service: Service) -> int:
    """Poll every source that is due now, one after the other; return how many polls there were."""
    polls = 0
    while (lease := await service.store.take_due_source(service.parts.clock.now(), LEASE)) is not None:
        await service.scheduler.poll(lease)
        polls += 1
    return polls


async def again(service: Service, source: SourceRecord) -> SourceRecord:
    return await service.store.source(source.community_id, source.id)


async def test_a_page_becomes_alerts_and_the_source_is_due_after_its_interval(
    service: Service, clock: ManualClock, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED, content_type="application/atom+xml")
    community = await import_sample(service, tmp_path)
    source = await add(service, community, "feed", {"url": httpserver.url_for("/feed")})

    assert await poll_all(service) == 1

    (alert,) = (await service.store.alerts(community.id, Listing(), AlertFilter())).items
    assert alert.alert_class == "linkage"
    polled = await again(service, source)
    assert polled.state is SourceState.HEALTHY
    assert polled.due_at is not None
    assert 1 <= (polled.due_at - clock.now()) / timedelta(seconds=source.interval_seconds) <= 1.1
    assert polled.last_success_at == clock.now()


async def test_a_document_read_twice_raises_one_alert(
    service: Service, clock: ManualClock, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED, content_type="application/atom+xml")
    community = await import_sample(service, tmp_path)
    await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
    await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
    assert await poll_all(service) == 2
    assert len((await service.store.alerts(community.id, Listing(), AlertFilter())).items) == 1


async def test_many_documents_are_read_page_after_page(service: Service, tmp_path: Path) -> None:
    community = await import_sample(service, tmp_path)
    write_documents(tmp_path / "posts.jsonl", [f"night_heron was here {number}" for number in range(450)])
    await add(service, community, "files", {"path": str(tmp_path / "posts.jsonl")})
    assert await poll_all(service) > 2
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        part = await service.store.alerts(community.id, Listing(limit=200, cursor=cursor), AlertFilter())
        seen |= {alert.document.id for alert in part.items}
        cursor = part.next_cursor
        if cursor is None:
            break
    assert len(seen) == 450


async def test_sources_with_much_to_read_take_turns_and_hold_nobody_up(
    service: Service, clock: ManualClock, tmp_path: Path
) -> None:
    community = await import_sample(service, tmp_path)
    names = {}
    for name, count in (("long", 900), ("longer", 900), ("short", 1)):
        clock.moment += timedelta(seconds=1)
        write_documents(tmp_path / f"{name}.jsonl", [f"the {name} ferry was late {number}" for number in range(count)])
        names[(await add(service, community, "files", {"path": str(tmp_path / f"{name}.jsonl")})).id] = name
    turns = []
    clock.moment += timedelta(seconds=1)
    while (lease := await service.store.take_due_source(clock.now(), LEASE)) is not None:
        await service.scheduler.poll(lease)
        turns.append(names[lease.source.id])
        clock.moment += timedelta(seconds=1)
    assert turns[:3] == ["long", "longer", "short"]
    assert turns.count("long") > 3
    remaining = [name for name in turns if name != "short"]
    assert all(one != next_one for one, next_one in pairwise(remaining))


async def test_a_failing_source_is_tried_later_and_later_and_says_why(
    service: Service, clock: ManualClock, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/feed").respond_with_data("", status=500)
    community = await import_sample(service, tmp_path)
    source = await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
    waits = []
    for _ in range(5):
        assert await poll_all(service) == 1
        failed = await again(service, source)
        assert failed.state is SourceState.FAILING
        assert failed.due_at is not None
        waits.append(failed.due_at - clock.now())
        clock.moment = failed.due_at
    assert "500" in (failed.last_error or "")
    assert waits == [timedelta(hours=hours) for hours in (1, 2, 4, 6, 6)]


async def test_retry_after_is_honoured(
    service: Service, clock: ManualClock, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/feed").respond_with_response(Response("", 503, {"Retry-After": "30000"}))
    community = await import_sample(service, tmp_path)
    source = await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
    await poll_all(service)
    assert (await again(service, source)).due_at == clock.now() + timedelta(seconds=30000)


async def test_what_a_host_asks_of_one_source_holds_for_all_that_read_it(
    service: Service, clock: ManualClock, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_oneshot_request("/a").respond_with_response(Response("", 429, {"Retry-After": "2400"}))
    httpserver.expect_request(re.compile("/[ab]")).respond_with_data(FEED, content_type="application/atom+xml")
    community = await import_sample(service, tmp_path)
    await add(service, community, "feed", {"url": httpserver.url_for("/a")})
    clock.moment += timedelta(minutes=1)
    other = await add(service, community, "feed", {"url": httpserver.url_for("/b")})
    assert await poll_all(service) == 2
    waiting = await again(service, other)
    assert waiting.last_error == "127.0.0.1 asked to be left alone for a while"
    assert [request.path for request, _ in httpserver.log] == ["/a"]
    assert waiting.due_at is not None
    clock.moment = waiting.due_at
    await poll_all(service)
    assert (await again(service, other)).state is SourceState.HEALTHY


async def test_a_source_that_is_no_feed_does_not_hold_up_the_others(
    service: Service, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/page").respond_with_data("<html><p>Hello</p></html>", content_type="text/html")
    community = await import_sample(service, tmp_path)
    broken = await add(service, community, "feed", {"url": httpserver.url_for("/page")})
    write_documents(tmp_path / "posts.jsonl", ["night_heron was here"])
    await add(service, community, "files", {"path": str(tmp_path / "posts.jsonl")})
    assert await poll_all(service) == 2
    assert len((await service.store.alerts(community.id, Listing(), AlertFilter())).items) == 1
    failed = await again(service, broken)
    assert failed.state is SourceState.FAILING
    assert failed.last_error


async def test_a_source_of_a_kind_that_is_gone_fails_with_the_reason(service: Service, tmp_path: Path) -> None:
    community = await import_sample(service, tmp_path)
    write_documents(tmp_path / "posts.jsonl", [])
    source = await add(service, community, "files", {"path": str(tmp_path / "posts.jsonl")})
    gone = replace(source, id="src_gone", kind="gone")
    await service.store.add_source(
        gone, audit=audit_entry(service.parts.clock, community.id, "source.created", gone.id)
    )
    assert await poll_all(service) == 2
    assert "there is no source of kind 'gone'" in ((await again(service, gone)).last_error or "")


async def test_a_lost_lease_records_nothing(
    service: Service, clock: ManualClock, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED, content_type="application/atom+xml")
    community = await import_sample(service, tmp_path)
    await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
    late = await service.store.take_due_source(clock.now(), LEASE)
    assert late is not None
    clock.moment += LEASE * 2
    assert await service.store.take_due_source(clock.now(), LEASE) is not None
    await service.scheduler.poll(late)
    assert (await service.store.alerts(community.id, Listing(), AlertFilter())).items == ()
    assert (await again(service, late.source)).last_success_at is None


async def test_a_poll_of_which_nothing_came_is_a_failure_of_its_source_until_one_succeeds(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED, content_type="application/atom+xml")
    clock = ManualClock()
    settings = settings_for(tmp_path, failing_polls=2, failing_minutes=0)
    async with open_service(build_parts(settings, clock)) as service:
        community = await import_sample(service, tmp_path)
        await add_destination(
            service.store, service.parts, community.id, kind="webhook", name="moderators",
            settings={"url": httpserver.url_for("/hook"), "secret": "whsec_" + "A" * 32},
            minimum_severity=Severity.MEDIUM,
        )  # fmt: skip
        source = await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
        while_polled: list[SourceRecord] = []

        async def ended(*_: object) -> Intake:
            while_polled.append(await again(service, source))
            raise LeaseLost("this process is gone")

        monkeypatch.setattr(service.pipeline, "process_page", ended)
        for _ in range(3):
            lease = await service.store.take_due_source(clock.now(), LEASE)
            assert lease is not None
            await service.scheduler.poll(lease)
            clock.moment += LEASE
        monkeypatch.undo()
        assert await poll_all(service) == 1
        deliveries = (await service.store.deliveries(community.id, Listing())).items
        recovered = await again(service, source)
    assert [(one.state, one.failure_count, one.last_error) for one in while_polled] == [
        (SourceState.NEW, 0, None),
        (SourceState.FAILING, 1, UNENDED),
        (SourceState.FAILING, 2, UNENDED),
    ]
    assert (recovered.state, recovered.failure_count) == (SourceState.HEALTHY, 0)
    told = [delivery.event for delivery in deliveries if delivery.source_id == source.id]
    assert told == [EventType.SOURCE_FAILING, EventType.SOURCE_RECOVERED]


async def test_a_poll_that_is_broken_off_gives_its_source_back(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    community = await import_sample(service, tmp_path)
    write_documents(tmp_path / "posts.jsonl", ["night_heron was here"])
    await add(service, community, "files", {"path": str(tmp_path / "posts.jsonl")})
    lease = await service.store.take_due_source(service.parts.clock.now(), LEASE)
    assert lease is not None
    begun = asyncio.Event()

    async def endless(*_: object) -> Intake:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(service.pipeline, "process_page", endless)
    polling = asyncio.create_task(service.scheduler.poll(lease))
    await begun.wait()
    polling.cancel()
    await asyncio.wait([polling])
    taken = await service.store.take_due_source(service.parts.clock.now(), LEASE)
    assert taken is not None
    assert not taken.taken_over


async def test_a_poll_counts_where_its_notice_cannot_be_planned_and_the_next_one_plans_it(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/feed").respond_with_data("", status=503)
    clock = ManualClock()
    async with open_service(build_parts(settings_for(tmp_path, failing_polls=1, failing_minutes=0), clock)) as service:
        community = await import_sample(service, tmp_path)
        await add_destination(
            service.store, service.parts, community.id, kind="webhook", name="moderators",
            settings={"url": httpserver.url_for("/hook"), "secret": "whsec_" + "A" * 32},
            minimum_severity=Severity.MEDIUM,
        )  # fmt: skip
        source = await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
        refusal = "create trigger refuse before insert on delivery begin select raise(abort, 'no room'); end"
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3", isolation_level=None)) as database:
            database.execute(refusal)
            assert await poll_all(service) == 1
            failed = await again(service, source)
            database.execute("drop trigger refuse")
        planned_at_first = (await service.store.deliveries(community.id, Listing())).items
        assert failed.due_at is not None
        clock.moment = failed.due_at
        assert await poll_all(service) == 1
        planned = (await service.store.deliveries(community.id, Listing())).items
    assert (failed.state, failed.failure_count, failed.health.was_told) == (SourceState.FAILING, 1, False)
    assert planned_at_first == ()
    assert [delivery.event for delivery in planned] == [EventType.SOURCE_FAILING]


async def test_a_page_that_takes_longer_than_its_lease_is_examined_once_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SystemClock()
    async with open_service(build_parts(settings_for(tmp_path, source_lease_seconds=1), clock)) as service:
        community = await import_sample(service, tmp_path)
        write_documents(tmp_path / "posts.jsonl", ["night_heron was here"])
        source = await add(service, community, "files", {"path": str(tmp_path / "posts.jsonl")})
        began: list[str] = []
        process_page = service.pipeline.process_page

        async def slowly(record: SourceRecord, page: Page, finish: Finish) -> Intake:
            began.append(record.id)
            await asyncio.sleep(2.5)
            return await process_page(record, page, finish)

        monkeypatch.setattr(service.pipeline, "process_page", slowly)
        running = asyncio.create_task(service.scheduler.run())
        async with asyncio.timeout(20):
            while (await again(service, source)).last_success_at is None:
                if began:  # nor can another process take it
                    assert await service.store.take_due_source(clock.now(), LEASE) is None
                service.scheduler.wake()
                await asyncio.wait([running], timeout=0.1)
        running.cancel()
        await asyncio.wait([running])
        assert began == [source.id]
        assert len((await service.store.alerts(community.id, Listing(), AlertFilter())).items) == 1


async def test_the_running_loop_polls_and_takes_up_a_new_source_when_woken(
    service: Service, clock: ManualClock, tmp_path: Path
) -> None:
    community = await import_sample(service, tmp_path)
    write_documents(tmp_path / "posts.jsonl", ["night_heron was here"])
    running = asyncio.create_task(service.scheduler.run())
    source = await add(service, community, "files", {"path": str(tmp_path / "posts.jsonl")})
    service.scheduler.wake()
    async with asyncio.timeout(20):
        while (await again(service, source)).state is not SourceState.HEALTHY:
            await asyncio.wait([running], timeout=0.01)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert len((await service.store.alerts(community.id, Listing(), AlertFilter())).items) == 1


async def test_a_source_whose_row_was_altered_does_not_hold_up_the_others(
    service: Service, clock: ManualClock, tmp_path: Path
) -> None:
    community = await import_sample(service, tmp_path)
    write_documents(tmp_path / "posts.jsonl", ["night_heron was here"])
    altered = await add(service, community, "files", {"path": str(tmp_path / "posts.jsonl")})
    clock.moment += timedelta(seconds=1)
    sound = await add(service, community, "files", {"path": str(tmp_path / "posts.jsonl")})
    with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as database, database:
        database.execute("update source set sealed = zeroblob(40) where id = ?", (altered.id,))
    running = asyncio.create_task(service.scheduler.run())
    async with asyncio.timeout(20):
        while (await again(service, sound)).state is not SourceState.HEALTHY:
            await asyncio.wait([running], timeout=0.01)
            service.scheduler.wake()
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_of_a_very_long_text_the_beginning_is_examined_and_the_rest_is_on_record_once(
    clock: ManualClock, tmp_path: Path
) -> None:
    async with open_service(build_parts(settings_for(tmp_path, max_characters=1000), clock)) as service:
        community = await import_sample(service, tmp_path)
        write_documents(tmp_path / "posts.jsonl", ["quiet", f"night_heron{' ' * 1000}night_heron is Ana Bell"])
        source = await add(service, community, "files", {"path": str(tmp_path / "posts.jsonl")})
        assert await poll_all(service) == 1
        polled = await again(service, source)
        (alert,) = (await service.store.alerts(community.id, Listing(), AlertFilter())).items
        clock.moment += timedelta(hours=2)
        write_documents(tmp_path / "posts.jsonl", ["quiet"])
        assert await poll_all(service) == 1
        later = await again(service, source)
    assert [match.span.start for match in alert.matches] == [0]
    assert polled.state is SourceState.HEALTHY
    (blind,) = later.health.blind_intervals
    assert blind.reason == "documents of which only the first 1000 characters were examined: 1"
    assert (blind.from_at, blind.until_at) == (source.created_at, polled.last_success_at)


async def test_a_document_that_breaks_the_examination_is_on_record(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    community = await import_sample(service, tmp_path)
    write_documents(tmp_path / "posts.jsonl", ["made to break it", "night_heron was here"])
    source = await add(service, community, "files", {"path": str(tmp_path / "posts.jsonl")})
    examine = Examiner.examine

    def breaking(self: Examiner, documents: Sequence[Document], **options: Any) -> list[Finding]:
        if any("break" in document.text for document in documents):
            raise RecursionError
        return examine(self, documents, **options)

    monkeypatch.setattr(Examiner, "examine", breaking)
    assert await poll_all(service) == 1
    assert len((await service.store.alerts(community.id, Listing(), AlertFilter())).items) == 1
    (blind,) = (await again(service, source)).health.blind_intervals
    assert blind.reason == "documents that could not be examined: 1"


@pytest.mark.parametrize(("given_once", "remembered"), [(False, 201), (True, 1)])
async def test_of_what_a_source_gives_once_only_what_raised_an_alert_is_remembered(
    service: Service, tmp_path: Path, given_once: bool, remembered: int
) -> None:
    community = await import_sample(service, tmp_path)
    source = await add(service, community, "files", {"path": str(tmp_path)})
    texts = ["n1ght_h3ron is Ana Bell", *(f"a quiet day {number}" for number in range(200))]
    documents = tuple(Document(id=f"stream:{number}", text=text) for number, text in enumerate(texts))
    page = Page(documents=documents, cursor=None, given_once=given_once)
    counts: list[int] = []

    async def finish(_: Transaction, new_count: int, unexamined: str | None) -> None:
        assert unexamined is None
        counts.append(new_count)

    first = await service.pipeline.process_page(source, page, finish)
    again = await service.pipeline.process_page(source, page, finish)
    with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as database:
        assert database.execute("select count(*) from seen").fetchone() == (remembered,)
    assert (len(first.alerts), len(again.alerts)) == (1, 0)
    assert counts == [201, 201 - remembered]


async def test_a_full_disk_loses_no_document(service: Service, clock: ManualClock, tmp_path: Path) -> None:
    community = await import_sample(service, tmp_path)
    write_documents(tmp_path / "posts.jsonl", [f"night_heron was here {number}" for number in range(150)])
    source = await add(service, community, "files", {"path": str(tmp_path / "posts.jsonl")})
    with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as database:
        (room,) = database.execute("pragma page_count").fetchone()

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"pragma max_page_count = {room}")
        cursor.close()

    event.listen(Pool, "checkout", limit)
    try:
        await poll_all(service)
        assert (await service.store.alerts(community.id, Listing(), AlertFilter())).items == ()
    finally:
        event.remove(Pool, "checkout", limit)
    failed = await again(service, source)
    assert "disk is full" in (failed.last_error or "")

    room = 2**30
    clock.moment += timedelta(hours=1)
    event.listen(Pool, "checkout", limit)
    try:
        await poll_all(service)
    finally:
        event.remove(Pool, "checkout", limit)
    alerts = (await service.store.alerts(community.id, Listing(limit=200), AlertFilter())).items
    assert len({alert.document.id for alert in alerts}) == 150
    assert (await again(service, source)).state is SourceState.HEALTHY
