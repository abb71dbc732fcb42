"""Digests: what can wait is told once a day or a week, exactly once, and so is that nothing was found."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerting.digests import LOOKS_EVERY, Digests, next_digest_at, preview, set_digest
from alerting.incidents import decide, raise_alert, resolve
from alerting.messages import PLAIN_TEXT, message
from core.db.store import SqlStore
from core.errors import Conflict, NotFound, UsageError
from core.ids import new_id
from core.types import (
    Alert,
    AlertClass,
    Community,
    Delivery,
    Detail,
    DigestPeriod,
    DigestSchedule,
    Document,
    DueDigest,
    EventType,
    Incident,
    SourceHealth,
    SourceRecord,
    SourceState,
    Weekday,
)
from tests.alerting_fixtures import START, HandClock, alert, audit, open_store
from tests.delivery_service import Service, hook, service_at, stop

DAILY = DigestSchedule(period=DigestPeriod.DAILY, hour=8, time_zone="UTC")
WEEKLY = replace(DAILY, period=DigestPeriod.WEEKLY, weekday=Weekday.SUNDAY)
DAY = timedelta(days=1)
NEXT = START.replace(hour=8) + DAY


@pytest.fixture
async def service(tmp_path: Path, httpserver: HTTPServer) -> AsyncIterator[Service]:
    """A service with a destination that is sent a digest every morning."""
    httpserver.expect_request("/hook").respond_with_data()
    async with service_at(tmp_path, HandClock()) as service:
        await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
        await scheduled(service, DAILY)
        yield service


async def scheduled(service: Service, schedule: DigestSchedule | None, *, to: str = "dst_1") -> None:
    async with service.store.transaction() as transaction:
        await set_digest(transaction, "com_1", to, schedule, at=service.clock.now())


async def raised(service: Service, number: int, **changes: Any) -> Incident:
    """Raise an alert about a document of its own."""
    document = Document(id=f"feed:{number}", source="feed", external_id=str(number), text=f"leak {number}")
    one: Alert = alert(id=new_id("alt"), document=document, raised_at=service.clock.now(), **changes)
    async with service.store.transaction() as transaction:
        return await raise_alert(transaction, one, at=service.clock.now())


def digests(service: Service, store: SqlStore | None = None) -> Digests:
    return Digests(store or service.store, service.clock, planned=service.dispatcher.wake)


async def sent(service: Service, server: HTTPServer) -> list[dict[str, Any]]:
    """Deliver what is due; return the bodies of all digests so far."""
    while await service.deliver_next():
        pass
    bodies = [json.loads(request.get_data()) for request, _ in server.log]
    return [body["data"] for body in bodies if body["type"] == "incident.digest"]


async def planned(service: Service) -> list[Delivery]:
    return [one for one in await service.deliveries() if one.event is EventType.INCIDENT_DIGEST]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "moment"),
    [
        (DAILY, "2026-11-20T07:59:59Z", "2026-11-20T08:00Z"),
        (DAILY, "2026-11-20T08:00Z", "2026-11-21T08:00Z"),
        (WEEKLY, "2026-11-20T10:00Z", "2026-11-22T08:00Z"),
        (WEEKLY, "2026-11-22T08:00Z", "2026-11-29T08:00Z"),
        # where it is another day already, or still
        (replace(DAILY, time_zone="Pacific/Auckland"), "2026-11-20T10:00Z", "2026-11-20T19:00Z"),
        (replace(WEEKLY, time_zone="America/Los_Angeles", hour=20), "2026-11-23T03:00Z", "2026-11-23T04:00Z"),
        # the clocks go back on 25 October 2026 and forward on 28 March 2027 in Berlin
        (replace(DAILY, time_zone="Europe/Berlin"), "2026-10-24T12:00Z", "2026-10-25T07:00Z"),
        (replace(DAILY, time_zone="Europe/Berlin"), "2026-10-24T05:00Z", "2026-10-24T06:00Z"),
        (replace(DAILY, time_zone="Europe/Berlin"), "2027-03-27T12:00Z", "2027-03-28T06:00Z"),
        # from two to three comes twice, then never
        (replace(DAILY, time_zone="Europe/Berlin", hour=2), "2026-10-24T12:00Z", "2026-10-25T00:00Z"),
        (replace(DAILY, time_zone="Europe/Berlin", hour=2), "2026-10-25T00:00Z", "2026-10-26T01:00Z"),
        (replace(DAILY, time_zone="Europe/Berlin", hour=2), "2027-03-27T12:00Z", "2027-03-28T01:00Z"),
        (replace(DAILY, time_zone="Europe/Berlin", hour=2), "2027-03-28T01:00Z", "2027-03-29T00:00Z"),
        # a day that Samoa never had
        (replace(DAILY, time_zone="Pacific/Apia"), "2011-12-29T19:00Z", "2011-12-30T18:00Z"),
    ],
)
def test_a_digest_is_due_at_the_hour_that_clocks_show(schedule: DigestSchedule, after: str, moment: str) -> None:
    assert next_digest_at(schedule, at(after)) == at(moment)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"])
@pytest.mark.parametrize("hour", range(24))
def test_a_year_has_as_many_digests_as_days(zone: str, hour: int) -> None:
    moment, count = at("2026-01-01T00:00Z"), 0
    while (moment := next_digest_at(replace(DAILY, hour=hour, time_zone=zone), moment)) <= at("2027-01-01T00:00Z"):
        count += 1
    assert count == 365


async def test_what_can_wait_is_told_in_the_digest_and_what_cannot_at_once_too(
    service: Service, httpserver: HTTPServer
) -> None:
    mild = await raised(service, 1, score=50, alert_class=AlertClass.EXPOSURE)
    grave = await raised(service, 2, score=75)
    threat = await raised(service, 3, score=55, alert_class=AlertClass.THREAT)
    slight = await raised(service, 4, score=30)
    at_once = [delivery.incident_id for delivery in await service.deliveries()]
    assert at_once == [grave.id, threat.id]
    service.clock.advance(NEXT - START - timedelta(seconds=1))
    assert await digests(service).plan_due() == 0
    service.clock.advance(timedelta(seconds=1))
    assert await digests(service).plan_due() == 1
    (digest,) = await sent(service, httpserver)
    assert digest["summary"] == "Digest: 3 incidents (1 high, 2 medium), 0 of 0 sources healthy"
    assert [one["incident"]["id"] for one in digest["incidents"]] == [grave.id, threat.id, mild.id]
    assert {one["type"] for one in digest["incidents"]} == {"incident.opened"}
    assert digest["digest"]["class_counts"] == {"linkage": 1, "threat": 1, "exposure": 1}
    assert digest["digest"]["since"] == START.isoformat()
    assert digest["digest"]["until"] == NEXT.isoformat()
    assert digest["content_notes"] == []
    assert slight.id not in str(digest)


async def test_the_sources_that_others_share_count_and_those_that_they_keep_do_not(
    service: Service, httpserver: HTTPServer
) -> None:
    await service.store.add_community(Community(id="com_2", name="Meadow Circle"), audit=audit("com_2"))
    sources = [
        SourceRecord(
            id=f"src_{number}",
            community_id=community_id,
            kind="feed",
            name=f"Forum {number}",
            settings={},
            interval_seconds=600,
            shared=is_shared,
            state=SourceState.FAILING,
            last_error=f"the error of {number}",
            created_at=START,
            updated_at=START,
        )
        for number, (community_id, is_shared) in enumerate((("com_1", False), ("com_2", True), ("com_2", False)))
    ]
    for source in sources:
        await service.store.add_source(source, audit=audit(source.id))
    service.clock.advance(NEXT - START)
    await digests(service).plan_due()
    (digest,) = await sent(service, httpserver)
    assert digest["summary"] == "Digest: nothing found, 0 of 2 sources healthy"
    shown = {one["id"]: (one["name"], one["error"]) for one in digest["digest"]["unhealthy_sources"]}
    assert shown == {"src_0": ("Forum 0", "the error of 0"), "src_1": ("Forum 1", "the error of 1")}


async def test_each_digest_tells_what_is_new_since_the_last_one(service: Service, httpserver: HTTPServer) -> None:
    first = await raised(service, 1, score=50)
    service.clock.advance(NEXT - START)
    await digests(service).plan_due()
    second = await raised(service, 2, score=50)
    async with service.store.transaction() as transaction:
        decision = partial(resolve, reason=None, at=service.clock.now())
        await decide(transaction, "com_1", first.id, decision, actor="key_1", at=service.clock.now())
    service.clock.advance(DAY)
    await digests(service).plan_due()
    service.clock.advance(DAY)
    await digests(service).plan_due()
    told = [
        {one["incident"]["id"]: one["type"] for one in digest["incidents"]}
        for digest in await sent(service, httpserver)
    ]
    assert told == [
        {first.id: "incident.opened"},
        {first.id: "incident.resolved", second.id: "incident.opened"},
        {},
    ]


async def test_where_nothing_was_found_that_is_told_with_the_sources_that_are_not_healthy(
    service: Service, httpserver: HTTPServer
) -> None:
    states = [SourceState.HEALTHY, SourceState.FAILING, SourceState.DISABLED, SourceState.SILENT]
    for number, state in enumerate(states):
        source = SourceRecord(
            id=f"src_{number}", community_id="com_1", kind="feed", name=f"Forum {number}", settings={}, state=state,
            created_at=START, updated_at=START, health=SourceHealth(failing_since=START),
        )  # fmt: skip
        await service.store.add_source(source, audit=audit(source.id))
    counting = replace(hook(httpserver, "/counts", name="dst_2"), detail=Detail.COUNTS)
    httpserver.expect_request("/counts").respond_with_data()
    await service.store.add_destination(counting, audit=audit("dst_2"))
    await scheduled(service, DAILY, to="dst_2")
    shown = await preview(service.store, await service.store.destination("com_1", "dst_1"), START)
    assert PLAIN_TEXT.text(message(shown)).splitlines() == [
        "Digest: nothing found, 1 of 3 sources healthy",
        "",
        "Community: Harbor Commons",
        "From 2026-11-20 10:00 to 2026-11-20 10:00 UTC",
        "Incidents: nothing was found.",
        "",
        "Sources: 1 of 3 healthy",
        "- Forum 1: failing since 2026-11-20 10:00 UTC",
        "- Forum 3: silent since 2026-11-20 10:00 UTC",
        "",
        "Detail level of this destination: redacted",
    ]
    service.clock.advance(NEXT - START)
    assert await digests(service).plan_due() == 2
    told = await sent(service, httpserver)
    assert {digest["summary"] for digest in told} == {"Digest: nothing found, 1 of 3 sources healthy"}
    named = {digest["detail"]: [one["name"] for one in digest["digest"]["unhealthy_sources"]] for digest in told}
    assert named == {"redacted": ["Forum 1", "Forum 3"], "counts": [None, None]}


async def test_a_digest_is_sent_once_however_many_processes_look(tmp_path: Path, service: Service) -> None:
    await raised(service, 1, score=50)
    service.clock.advance(NEXT - START)
    async with open_store(tmp_path, service.clock) as other, open_store(tmp_path, service.clock) as third:
        all_of_them = (digests(service), digests(service, other), digests(service, third))
        counts = await asyncio.gather(*(one.plan_due() for one in all_of_them))
        assert sum(counts) == 1
    assert len(await planned(service)) == 1


async def test_a_digest_that_was_taken_by_another_process_meanwhile_is_left_to_it(service: Service) -> None:
    service.clock.advance(NEXT - START)
    (due,) = await service.store.due_digests(service.clock.now())
    assert await digests(service).plan_due() == 1
    async with service.store.transaction() as transaction:
        assert await transaction.take_digest(due, next_due_at=NEXT + DAY, at=NEXT) is None


async def test_a_restart_repeats_no_digest_and_loses_none(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    clock = HandClock()
    async with service_at(tmp_path, clock) as service:
        await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
        await scheduled(service, DAILY)
        await raised(service, 1, score=50)
    clock.advance(NEXT + 2 * DAY - START)  # three were due while nothing ran
    for _ in range(2):
        async with service_at(tmp_path, clock) as service:
            await digests(service).plan_due()
    async with service_at(tmp_path, clock) as service:
        (digest,) = await sent(service, httpserver)
    assert len(digest["incidents"]) == 1
    assert (digest["digest"]["since"], digest["digest"]["until"]) == (
        START.isoformat(),
        (NEXT + 2 * DAY).isoformat(),
    )


async def test_a_digest_that_cannot_be_planned_keeps_what_it_would_have_told(
    service: Service, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    await raised(service, 1, score=50)
    service.clock.advance(NEXT - START)

    async def fails(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr("core.db.digests.tell_of_kept", fails)
        with pytest.raises(RuntimeError):
            await digests(service).plan_due()
    assert await planned(service) == []
    assert await digests(service).plan_due() == 1
    (digest,) = await sent(service, httpserver)
    assert len(digest["incidents"]) == 1


async def test_a_destination_for_digests_only_is_told_nothing_at_once(service: Service, httpserver: HTTPServer) -> None:
    await scheduled(service, replace(DAILY, is_only=True))
    await raised(service, 1, score=95, alert_class=AlertClass.THREAT)
    assert await service.deliveries() == []
    service.clock.advance(NEXT - START)
    await digests(service).plan_due()
    (digest,) = await sent(service, httpserver)
    assert digest["summary"].startswith("Digest: 1 incident (1 critical)")


async def test_a_digest_rings_no_louder_for_what_was_told_before(service: Service) -> None:
    await raised(service, 1, score=95)
    shown = await preview(service.store, await service.store.destination("com_1", "dst_1"), START)
    assert (len(shown.incidents), shown.severity) == (1, None)


async def test_what_was_kept_is_told_when_digests_end_and_later_ones_at_once(
    service: Service, httpserver: HTTPServer
) -> None:
    kept = await raised(service, 1, score=50)
    await scheduled(service, None)
    later = await raised(service, 2, score=50)
    (digest,) = await sent(service, httpserver)
    assert [one["incident"]["id"] for one in digest["incidents"]] == [kept.id]
    assert [delivery.incident_id for delivery in await service.deliveries()] == [None, later.id]
    with pytest.raises(Conflict, match="no digests"):
        await service.store.next_digest("com_1", "dst_1")
    await scheduled(service, DAILY)
    await scheduled(service, None)
    assert len(await service.deliveries()) == 2


async def test_another_hour_keeps_what_is_kept(service: Service, httpserver: HTTPServer) -> None:
    await raised(service, 1, score=50)
    service.clock.advance(timedelta(hours=1))
    await scheduled(service, replace(DAILY, hour=12))
    service.clock.advance(timedelta(hours=1))
    assert await digests(service).plan_due() == 1
    (digest,) = await sent(service, httpserver)
    assert (len(digest["incidents"]), digest["digest"]["since"]) == (1, START.isoformat())


async def test_a_destination_that_is_switched_off_gets_its_digest_once_it_is_switched_on(service: Service) -> None:
    await service.store.set_destination_enabled("com_1", "dst_1", False, audit=audit("dst_1"))
    service.clock.advance(NEXT - START)
    assert await digests(service).plan_due() == 0
    await service.store.set_destination_enabled("com_1", "dst_1", True, audit=audit("dst_1"))
    assert await digests(service).plan_due() == 1


async def test_a_destination_that_does_not_open_holds_up_no_digest_of_another(
    tmp_path: Path, service: Service, httpserver: HTTPServer
) -> None:
    await service.store.add_destination(hook(httpserver, name="dst_2"), audit=audit("dst_2"))
    await scheduled(service, DAILY, to="dst_2")
    with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as file, file:
        file.execute("UPDATE destination SET sealed = x'00' WHERE id = 'dst_1'")
    service.clock.advance(NEXT - START)
    assert await digests(service).plan_due() == 1
    assert [delivery.destination_id for delivery in await planned(service)] == ["dst_2"]


async def test_a_destination_that_is_deleted_when_its_digest_is_due_holds_up_no_digest_of_another(
    service: Service, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.store.add_destination(hook(httpserver, name="dst_2"), audit=audit("dst_2"))
    await scheduled(service, DAILY, to="dst_2")
    service.clock.advance(NEXT - START)
    both = await service.store.due_digests(service.clock.now())
    await service.store.delete_destination("com_1", "dst_1", audit=audit("dst_1"))

    async def due_before(_: datetime) -> tuple[DueDigest, ...]:
        return both

    monkeypatch.setattr(service.store, "due_digests", due_before)
    assert await digests(service).plan_due() == 1
    assert [delivery.destination_id for delivery in await planned(service)] == ["dst_2"]


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        (replace(DAILY, time_zone="Harbor/Commons"), "no such time zone"),
        (replace(DAILY, time_zone="../../etc/passwd"), "no such time zone"),
        (replace(DAILY, hour=24), "from 0 to 23"),
    ],
)
async def test_a_schedule_that_makes_no_sense_is_refused(
    service: Service, schedule: DigestSchedule, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        await scheduled(service, schedule)
    assert (await service.store.destination("com_1", "dst_1")).digest == DAILY
    with pytest.raises(NotFound):
        await scheduled(service, DAILY, to="dst_9")


async def test_the_loop_plans_what_is_due_and_the_other_one_delivers_it(
    service: Service, httpserver: HTTPServer
) -> None:
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def answer(_: Request) -> Response:
        loop.call_soon_threadsafe(arrived.set)
        return Response()

    httpserver.clear()
    httpserver.expect_request("/hook").respond_with_handler(answer)
    service.clock.advance(NEXT - START - LOOKS_EVERY)
    running = [asyncio.create_task(one) for one in (service.dispatcher.run(), digests(service).run())]
    async with asyncio.timeout(20):
        while not arrived.is_set():
            service.clock.advance(LOOKS_EVERY / 5)
            await asyncio.sleep(0.01)
    for task in running:
        await stop(task)
