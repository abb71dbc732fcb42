"""Notices wait for the end of quiet hours and of maintenance; what is urgent passes them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from alerting.holding import hold_of, quiet_until
from alerting.incidents import decide, raise_alert, resolve
from alerting.planning import plan_source_notices, plan_test
from core.errors import NotFound
from core.ids import new_id
from core.ports import Listing
from core.types import (
    AlertClass,
    Community,
    DeliveryState,
    Document,
    EventType,
    HoldReason,
    HoldRules,
    MaintenanceWindow,
    QuietHours,
    SourceRecord,
    SourceState,
    Weekday,
)
from tests.alerting_fixtures import START, HandClock, alert, audit
from tests.delivery_service import LEASE, Service, hook, service_at, stop

pytest_plugins = ["tests.api_fixtures", "tests.delivery_fixtures"]

EVERY_DAY = frozenset(Weekday)
HOUR = timedelta(hours=1)


def hours(from_time: str, until_time: str, zone: str = "UTC", *, days: frozenset[Weekday] = EVERY_DAY) -> QuietHours:
    return QuietHours(
        id=new_id("qth"),
        community_id="com_1",
        destination_id="dst_1",
        days=days,
        from_time=time.fromisoformat(from_time),
        until_time=time.fromisoformat(until_time),
        time_zone=zone,
    )


def window(until_at: datetime, *, destination_id: str | None = None, from_at: datetime = START) -> MaintenanceWindow:
    return MaintenanceWindow(
        id=new_id("mnt"),
        community_id="com_1",
        destination_id=destination_id,
        from_at=from_at,
        until_at=until_at,
        reason="the chat server moves",
    )


def utc(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("quiet", "at", "until"),
    [
        # an ordinary night in winter, from the first moment until the last
        (hours("22:00", "07:00", BERLIN), "2026-11-20T20:59:59", None),
        (hours("22:00", "07:00", BERLIN), "2026-11-20T21:00:00", "2026-11-21T06:00:00"),
        (hours("22:00", "07:00", BERLIN), "2026-11-21T05:59:59", "2026-11-21T06:00:00"),
        (hours("22:00", "07:00", BERLIN), "2026-11-21T06:00:00", None),
        # within one day, and a whole day
        (hours("13:00", "14:00"), "2026-11-20T13:30:00", "2026-11-20T14:00:00"),
        (hours("13:00", "14:00"), "2026-11-20T12:30:00", None),
        (hours("00:00", "00:00"), "2026-11-20T12:30:00", "2026-11-21T00:00:00"),
        # Friday's night belongs to Friday
        (hours("22:00", "07:00", days=frozenset({Weekday.FRIDAY})), "2026-11-21T03:00:00", "2026-11-21T07:00:00"),
        (hours("22:00", "07:00", days=frozenset({Weekday.FRIDAY})), "2026-11-21T23:00:00", None),
        # Berlin puts its clocks forward at 2027-03-28T01:00Z, and back at 2026-10-25T01:00Z
        (hours("22:00", "07:00", BERLIN), "2027-03-28T01:30:00", "2027-03-28T05:00:00"),
        (hours("22:00", "07:00", BERLIN), "2026-10-25T01:30:00", "2026-10-25T06:00:00"),
        # an end at a time that is passed over counts as that much later: 02:30 would have been 01:30Z
        (hours("22:00", "02:30", BERLIN), "2027-03-28T01:10:00", "2027-03-28T01:30:00"),
        (hours("02:30", "06:00", BERLIN), "2027-03-28T01:29:00", None),
        (hours("02:30", "06:00", BERLIN), "2027-03-28T01:30:00", "2027-03-28T04:00:00"),
        # what is shown twice begins with the first (00:30Z) and ends with the second (01:30Z)
        (hours("22:00", "02:30", BERLIN), "2026-10-25T01:10:00", "2026-10-25T01:30:00"),
        (hours("02:30", "06:00", BERLIN), "2026-10-25T00:30:00", "2026-10-25T05:00:00"),
        (hours("02:30", "06:00", BERLIN), "2026-10-25T00:29:00", None),
        # west of Greenwich, the day there is the one before
        (
            hours("22:00", "07:00", NEW_YORK, days=frozenset({Weekday.FRIDAY})),
            "2026-11-21T04:00:00",
            "2026-11-21T12:00:00",
        ),
        # half an hour forward only
        (hours("01:00", "04:00", LORD_HOWE), "2026-10-03T16:00:00", "2026-10-03T17:00:00"),
    ],
)
def test_quiet_hours_are_those_of_the_clocks_on_the_wall(quiet: QuietHours, at: str, until: str | None) -> None:
    assert quiet_until(quiet, utc(at)) == (None if until is None else utc(until))


def test_of_several_holds_the_longest_counts_and_none_outside_of_its_time() -> None:
    rules = HoldRules(
        quiet_hours=(hours("09:00", "11:00"), hours("09:30", "12:00")),
        windows=(window(START + HOUR), window(START + 9 * HOUR, from_at=START + HOUR)),
    )
    hold = hold_of(rules, START, is_pressing=False)
    assert hold is not None
    assert (hold.reason, hold.until) == (HoldReason.QUIET_HOURS, START + 2 * HOUR)
    assert hold_of(rules, START, is_pressing=True) is None
    assert hold_of(HoldRules(), START, is_pressing=False) is None


def test_what_is_urgent_waits_only_where_its_own_destination_is_under_maintenance() -> None:
    own = HoldRules(windows=(window(START + HOUR, destination_id="dst_1"),))
    hold = hold_of(own, START, is_pressing=True)
    assert hold is not None
    assert (hold.reason, hold.until) == (HoldReason.MAINTENANCE, START + HOUR)
    everybodys = HoldRules(windows=(window(START + HOUR),))
    assert hold_of(everybodys, START, is_pressing=True) is None
    assert hold_of(everybodys, START, is_pressing=False) is not None


async def raised(service: Service, number: int, **changes: object) -> str:
    """Raise an alert of its own; return its incident."""
    document = Document(id=f"feed:{number}", source="feed", external_id=str(number), text=f"leak {number}")
    at = service.clock.now()
    async with service.store.transaction() as transaction:
        one = replace(alert(id=new_id("alt"), document=document, raised_at=at), **changes)  # type: ignore[arg-type]
        return (await raise_alert(transaction, one, at=at)).id


async def deliver_all(service: Service) -> None:
    """Do what the dispatcher does until nothing is due."""
    await service.store.release_held(service.clock.now())
    while await service.deliver_next():
        pass


async def states(service: Service) -> list[str]:
    return [delivery.state for delivery in await service.deliveries()]


def arrived(server: HTTPServer) -> list[int]:
    return [request.get_json()["sequence"] for request, _ in server.log]


async def quiet_service(service: Service, server: HTTPServer, quiet: QuietHours | None = None) -> QuietHours:
    """Have one destination, which is quiet from ten to twelve."""
    server.expect_request("/hook").respond_with_data()
    await service.store.add_destination(hook(server), audit=audit("dst_1"))
    quiet = quiet or hours("10:00", "12:00")
    await service.store.add_quiet_hours(quiet, audit=audit(quiet.id))
    return quiet


async def test_what_comes_in_quiet_hours_is_told_in_order_when_they_end(
    httpserver: HTTPServer, service: Service
) -> None:
    await quiet_service(service, httpserver)
    for number in range(3):
        await raised(service, number)
    await deliver_all(service)
    (first, *_) = await service.deliveries()
    assert (first.state, first.held_because) == (DeliveryState.HELD, HoldReason.QUIET_HOURS)
    assert (first.next_attempt_at, first.attempts) == (START + 2 * HOUR, 0)
    assert await service.store.release_held(service.clock.now()) == START + 2 * HOUR
    service.clock.advance(2 * HOUR)
    await raised(service, 3)
    await deliver_all(service)
    assert arrived(httpserver) == [1, 2, 3, 4]
    assert set(await states(service)) == {DeliveryState.DELIVERED}


@pytest.mark.parametrize("urgent", [{"score": 95}, {"alert_class": AlertClass.THREAT}])
async def test_what_is_urgent_passes_what_waits(
    httpserver: HTTPServer, service: Service, urgent: dict[str, object]
) -> None:
    await quiet_service(service, httpserver)
    await raised(service, 1)
    await raised(service, 2)
    await raised(service, 3, **urgent)
    await raised(service, 4)
    await deliver_all(service)
    assert arrived(httpserver) == [3]
    service.clock.advance(2 * HOUR)
    await deliver_all(service)
    assert arrived(httpserver) == [3, 1, 2, 4]


async def test_the_end_of_something_urgent_wakes_nobody(httpserver: HTTPServer, service: Service) -> None:
    await quiet_service(service, httpserver)
    incident = await raised(service, 1, score=95)
    await resolved(service, incident)
    await deliver_all(service)
    assert [request.get_json()["type"] for request, _ in httpserver.log] == ["incident.opened"]


async def resolved(service: Service, incident_id: str) -> None:
    at = service.clock.now()
    async with service.store.transaction() as transaction:
        await decide(transaction, "com_1", incident_id, partial(resolve, reason=None, at=at), actor="key_1", at=at)


async def test_what_was_resolved_while_it_waited_is_not_told_as_new(httpserver: HTTPServer, service: Service) -> None:
    await quiet_service(service, httpserver)
    gone, there = await raised(service, 1), await raised(service, 2)
    await deliver_all(service)
    await resolved(service, gone)
    await deliver_all(service)
    service.clock.advance(2 * HOUR)
    await deliver_all(service)
    told = [(request.get_json()["type"], request.get_json()["data"]["incident"]["id"]) for request, _ in httpserver.log]
    assert told == [("incident.opened", there), ("incident.resolved", gone)]
    assert await states(service) == [DeliveryState.OVERTAKEN, DeliveryState.DELIVERED, DeliveryState.DELIVERED]


@pytest.mark.parametrize("owner", ["com_1", "com_2"])
async def test_a_source_that_works_again_is_not_told_as_failing(
    httpserver: HTTPServer, service: Service, owner: str
) -> None:
    await quiet_service(service, httpserver)
    await service.store.add_community(Community(id="com_2", name="Pier Poets"), audit=audit("com_2"))
    source = SourceRecord(
        id="src_1", community_id=owner, kind="feed", name="a blog", settings={}, created_at=START, updated_at=START,
        state=SourceState.HEALTHY, shared=True,
    )  # fmt: skip
    await service.store.add_source(source, audit=audit("src_1"))
    for event in (EventType.SOURCE_FAILING, EventType.SOURCE_RECOVERED):
        async with service.store.transaction() as transaction:
            await plan_source_notices(transaction, source, event, service.clock.now())
        await deliver_all(service)
    service.clock.advance(2 * HOUR)
    await deliver_all(service)
    assert [request.get_json()["type"] for request, _ in httpserver.log] == ["source.recovered"]


async def test_what_did_not_wait_is_told_as_ever_though_it_was_resolved(
    httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await resolved(service, await raised(service, 1))
    await deliver_all(service)
    assert arrived(httpserver) == [1, 2]


async def test_a_test_of_a_destination_does_not_wait(httpserver: HTTPServer, service: Service) -> None:
    await quiet_service(service, httpserver)
    await raised(service, 1)
    async with service.store.transaction() as transaction:
        destination = await transaction.destination("com_1", "dst_1")
        await plan_test(transaction, destination, service.clock.now())
    await deliver_all(service)
    assert [request.get_json()["type"] for request, _ in httpserver.log] == ["test.ping"]


async def test_what_could_not_be_delivered_before_the_quiet_hours_does_not_wake_anybody_in_them(
    httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_ordered_request("/hook").respond_with_data(status=500)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    night = hours("10:01", "12:00")
    await service.store.add_quiet_hours(night, audit=audit(night.id))
    await raised(service, 1)
    await deliver_all(service)
    service.clock.advance(HOUR)
    await deliver_all(service)
    (delivery,) = await service.deliveries()
    assert (delivery.state, delivery.attempts) == (DeliveryState.HELD, 1)
    assert len(httpserver.log) == 1


async def test_a_window_of_a_destination_holds_all_that_goes_there_and_nothing_else(
    httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    httpserver.expect_request("/other").respond_with_data()
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.store.add_destination(hook(httpserver, "/other", name="dst_2"), audit=audit("dst_2"))
    await service.store.add_maintenance(window(START + HOUR, destination_id="dst_1"), audit=audit("mnt_1"))
    await raised(service, 1, score=95)
    await deliver_all(service)
    assert [request.path for request, _ in httpserver.log] == ["/other"]
    assert (await service.deliveries())[0].held_because is HoldReason.MAINTENANCE
    service.clock.advance(HOUR)
    await deliver_all(service)
    assert [request.path for request, _ in httpserver.log] == ["/other", "/hook"]


async def test_a_window_of_the_community_holds_what_is_not_urgent(httpserver: HTTPServer, service: Service) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.store.add_maintenance(window(START + 2 * HOUR, from_at=START + HOUR), audit=audit("mnt_1"))
    await raised(service, 1)
    await deliver_all(service)
    service.clock.advance(HOUR)
    await raised(service, 2)
    await raised(service, 3, score=95)
    await deliver_all(service)
    assert arrived(httpserver) == [1, 3]
    service.clock.advance(HOUR)
    await deliver_all(service)
    assert arrived(httpserver) == [1, 3, 2]


async def test_what_waits_goes_on_waiting_where_something_else_holds_it(
    httpserver: HTTPServer, service: Service
) -> None:
    await quiet_service(service, httpserver)
    await service.store.add_maintenance(window(START + 3 * HOUR), audit=audit("mnt_1"))
    await raised(service, 1)
    await deliver_all(service)
    await service.store.delete_maintenance(
        "com_1", (await service.store.maintenance("com_1", Listing())).items[0].id, audit=audit("mnt_1")
    )
    await deliver_all(service)
    (delivery,) = await service.deliveries()
    assert (delivery.held_because, delivery.next_attempt_at) == (HoldReason.QUIET_HOURS, START + 2 * HOUR)
    await service.store.delete_quiet_hours(
        "com_1", (await service.store.quiet_hours("com_1", Listing())).items[0].id, audit=audit("qth_1")
    )
    await deliver_all(service)
    assert arrived(httpserver) == [1]


async def test_what_waits_outlives_the_process(httpserver: HTTPServer, tmp_path: Path) -> None:
    clock = HandClock()
    async with service_at(tmp_path, clock) as service:
        await quiet_service(service, httpserver)
        await raised(service, 1)
        await deliver_all(service)
        await raised(service, 2)
        lease = await service.store.take_due_delivery(clock.now(), LEASE)
        assert lease is not None  # killed after it took the second, before it decided
    clock.advance(2 * HOUR)
    async with service_at(tmp_path, clock) as service:
        await deliver_all(service)
    assert arrived(httpserver) == [1, 2]


async def test_the_loop_wakes_up_when_a_hold_ends(httpserver: HTTPServer, service: Service) -> None:
    await quiet_service(service, httpserver, hours("10:00", "10:00", days=frozenset({Weekday.FRIDAY})))
    await service.store.add_maintenance(window(START + timedelta(seconds=5)), audit=audit("mnt_1"))
    (quiet,) = (await service.store.quiet_hours("com_1", Listing())).items
    await service.store.delete_quiet_hours("com_1", quiet.id, audit=audit(quiet.id))
    running = asyncio.create_task(service.dispatcher.run())
    await raised(service, 1)
    service.dispatcher.wake()
    async with asyncio.timeout(20):
        while await states(service) != [DeliveryState.HELD]:
            pass
        service.clock.advance(timedelta(seconds=5))
        while await states(service) != [DeliveryState.DELIVERED]:
            pass
    await stop(running)


async def test_what_holds_comes_back_as_it_was_given(service: Service, httpserver: HTTPServer) -> None:
    quiet = await quiet_service(
        service, httpserver, hours("22:30", "07:00", BERLIN, days=frozenset({Weekday.MONDAY, Weekday.SUNDAY}))
    )
    closed = window(START + HOUR, destination_id="dst_1")
    await service.store.add_maintenance(closed, audit=audit(closed.id))
    assert (await service.store.quiet_hours("com_1", Listing())).items == (quiet,)
    assert (await service.store.maintenance("com_1", Listing())).items == (closed,)
    assert await service.store.hold_rules("com_1", "dst_1", START) == HoldRules(quiet_hours=(quiet,), windows=(closed,))
    assert await service.store.hold_rules("com_1", "dst_2", START) == HoldRules()
    assert await service.store.hold_rules("com_1", "dst_1", START + HOUR) == HoldRules(quiet_hours=(quiet,))
    await service.store.prune(START + HOUR)
    assert (await service.store.maintenance("com_1", Listing())).items == ()
    await service.store.delete_destination("com_1", "dst_1", audit=audit("dst_1"))
    assert (await service.store.quiet_hours("com_1", Listing())).items == ()
    with pytest.raises(NotFound):
        await service.store.add_quiet_hours(quiet, audit=audit(quiet.id))
