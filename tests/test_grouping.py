"""Several incidents in one notice, and notices that are repeated until somebody acknowledges."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from alerting.grouping import plan_repetitions
from alerting.incidents import acknowledge, decide
from alerting.snoozing import Snoozes, snooze
from core.ids import new_id
from core.types import DeliveryState, HoldReason, Route, Routing, RoutingReason, Snooze
from tests import store_fixtures
from tests.alerting_fixtures import START, HandClock, audit
from tests.delivery_service import LEASE, Service, hook, service_at, stop
from tests.test_holding import arrived, deliver_all, hours, raised, resolved, states

pytest_plugins = ["tests.delivery_fixtures"]

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def to(**changes: object) -> Route:
    plain = Route(id=new_id("rte"), community_id="com_1", name="all", destination_ids=("dst_1",))
    return replace(plain, **changes)  # type: ignore[arg-type]


async def routed(service: Service, server: HTTPServer, *routes: Route) -> None:
    """Have one destination, to which the routes lead."""
    server.expect_request("/hook").respond_with_data()
    await service.store.add_destination(hook(server), audit=audit("dst_1"))
    for route in routes:
        await service.store.add_route(route, audit=audit(route.id))


def told(server: HTTPServer) -> list[tuple[str, int]]:
    """Return what arrived: the type of each notice, and of how many incidents it tells."""
    bodies = [request.get_json() for request, _ in server.log]
    return [(body["type"], len(body["data"].get("incidents") or [0])) for body in bodies]


async def step(service: Service, by: timedelta) -> None:
    service.clock.advance(by)
    await plan_repetitions(service.store, service.clock.now())
    await deliver_all(service)


async def test_the_first_notice_waits_so_that_others_join_it(httpserver: HTTPServer, service: Service) -> None:
    await routed(service, httpserver, to(wait_seconds=30))
    for number in range(3):
        await raised(service, number)
        await deliver_all(service)
        service.clock.advance(10 * SECOND)
    assert await states(service) == [DeliveryState.HELD] * 3
    assert {each.held_because for each in await service.deliveries()} == {HoldReason.GROUPING}
    await deliver_all(service)
    assert told(httpserver) == [("incident.grouped", 3)]
    assert await states(service) == [DeliveryState.GROUPED] * 3 + [DeliveryState.DELIVERED]
    await step(service, HOUR)
    assert len(httpserver.log) == 1


async def test_who_waited_alone_is_told_as_ever(httpserver: HTTPServer, service: Service) -> None:
    await routed(service, httpserver, to(wait_seconds=30))
    await raised(service, 1)
    await deliver_all(service)
    await step(service, 30 * SECOND)
    assert told(httpserver) == [("incident.opened", 1)]


async def test_between_two_notices_of_a_group_lies_the_interval(httpserver: HTTPServer, service: Service) -> None:
    await routed(service, httpserver, to(interval_seconds=300))
    await raised(service, 1)
    await deliver_all(service)
    assert told(httpserver) == [("incident.opened", 1)]
    for number in (2, 3):
        await raised(service, number)
        await step(service, SECOND)
    assert len(httpserver.log) == 1
    await step(service, 298 * SECOND)
    assert told(httpserver)[1:] == [("incident.grouped", 2)]


async def test_what_is_urgent_waits_for_no_group(httpserver: HTTPServer, service: Service) -> None:
    await routed(service, httpserver, to(wait_seconds=30))
    await raised(service, 1)
    await raised(service, 2, score=95)
    await deliver_all(service)
    assert arrived(httpserver) == [2]
    await step(service, 30 * SECOND)
    assert arrived(httpserver) == [2, 1]


async def test_what_is_urgent_is_not_gathered_behind_what_is_not(httpserver: HTTPServer, service: Service) -> None:
    await routed(service, httpserver, to(interval_seconds=300))
    await raised(service, 1)
    for number in range(2, 6):
        await raised(service, number, score=95)
    await deliver_all(service)
    assert told(httpserver) == [("incident.opened", 1)] * 5
    assert arrived(httpserver) == [1, 2, 3, 4, 5]


async def test_a_group_leaves_out_what_another_process_has_under_way(httpserver: HTTPServer, service: Service) -> None:
    await routed(service, httpserver, to(interval_seconds=300))
    for number in (1, 2, 3):
        await raised(service, number)
    at = service.clock.now()
    first, *rest = await service.deliveries()
    async with service.store.transaction() as transaction:
        assert [one.id for one in await transaction.others_of_group(first, at)] == [one.id for one in rest]
    taken = await service.store.take_due_delivery(at, LEASE)
    assert taken is not None
    async with service.store.transaction() as transaction:
        assert [one.id for one in await transaction.others_of_group(rest[0], at)] == [rest[1].id]
        assert [one.id for one in await transaction.others_of_group(rest[0], at + LEASE)] == [first.id, rest[1].id]


async def test_a_repetition_that_cannot_be_planned_is_put_off_and_hides_no_other(
    httpserver: HTTPServer, service: Service, tmp_path: Path
) -> None:
    await routed(service, httpserver, to(repeat_seconds=3600))
    unreadable, _ = await raised(service, 1), await raised(service, 2)
    await deliver_all(service)
    make_unreadable(tmp_path, unreadable)
    service.clock.advance(2 * HOUR)
    await plan_repetitions(service.store, service.clock.now())
    await deliver_all(service)
    assert [event for event, _ in told(httpserver)] == ["incident.opened", "incident.opened", "incident.repeated"]
    (put_off,) = await service.store.due_repetitions(service.clock.now() + HOUR, 1)
    assert (put_off.incident_id, put_off.due_at) == (unreadable, service.clock.now() + HOUR)


def make_unreadable(directory: Path, incident_id: str) -> None:
    """Have what is sealed of the incident not open any more."""
    with closing(sqlite3.connect(directory / "leakwatch.sqlite3")) as connection, connection:
        connection.execute("UPDATE incident SET sealed = x'00' WHERE id = ?", (incident_id,))


async def test_of_a_group_an_incident_that_was_closed_meanwhile_is_told_as_closed(
    httpserver: HTTPServer, service: Service
) -> None:
    await routed(service, httpserver, to(wait_seconds=30))
    closed, _ = await raised(service, 1), await raised(service, 2)
    await deliver_all(service)
    service.clock.advance(20 * SECOND)
    await resolved(service, closed)
    await deliver_all(service)
    await step(service, 10 * SECOND)
    (body,) = [request.get_json() for request, _ in httpserver.log if request.get_json()["type"] == "incident.grouped"]
    assert sorted(one["type"] for one in body["data"]["incidents"]) == ["incident.opened", "incident.resolved"]


async def test_what_comes_in_quiet_hours_is_told_together_when_they_end(
    httpserver: HTTPServer, service: Service
) -> None:
    await routed(service, httpserver, to(wait_seconds=30))
    quiet = hours("10:00", "12:00")
    await service.store.add_quiet_hours(quiet, audit=audit(quiet.id))
    for number in range(3):
        await raised(service, number)
        await step(service, 10 * SECOND)
    assert not httpserver.log
    await step(service, 2 * HOUR)
    assert told(httpserver) == [("incident.grouped", 3)]


async def test_a_group_outlives_the_process_and_tells_once(httpserver: HTTPServer, tmp_path: Path) -> None:
    clock = HandClock()
    async with service_at(tmp_path, clock) as service:
        await routed(service, httpserver, to(wait_seconds=30))
        await raised(service, 1)
        await raised(service, 2)
        await deliver_all(service)
        clock.advance(30 * SECOND)
        await service.store.release_held(clock.now())
        assert await service.store.take_due_delivery(clock.now(), LEASE)  # killed before it gathered the others
    clock.advance(LEASE)
    async with service_at(tmp_path, clock) as service:
        assert await service.deliver_next()  # gathers
        assert await service.store.take_due_delivery(clock.now(), LEASE)  # killed before it sent
    clock.advance(LEASE)
    async with service_at(tmp_path, clock) as service:
        await deliver_all(service)
    assert told(httpserver) == [("incident.grouped", 2)]


async def test_what_was_tried_already_is_not_told_in_a_group_under_another_id(
    httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_ordered_request("/hook").respond_with_data(status=500)
    for _ in range(2):
        httpserver.expect_ordered_request("/hook").respond_with_data()
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    route = to(wait_seconds=30)
    await service.store.add_route(route, audit=audit(route.id))
    await raised(service, 1)
    await deliver_all(service)
    await step(service, 30 * SECOND)
    await raised(service, 2)
    await step(service, 40 * SECOND)
    await step(service, 30 * SECOND)
    assert told(httpserver) == [("incident.opened", 1)] * 3
    assert arrived(httpserver) == [1, 1, 2]


async def test_what_nobody_acknowledges_is_told_again_until_somebody_does(
    httpserver: HTTPServer, service: Service
) -> None:
    await routed(service, httpserver, to(repeat_seconds=3600))
    incident = await raised(service, 1)
    await deliver_all(service)
    for _ in range(2):
        await step(service, HOUR - SECOND)
        await step(service, SECOND)
    assert told(httpserver) == [("incident.opened", 1), *[("incident.repeated", 1)] * 2]
    last = httpserver.log[-1][0].get_json()["data"]
    assert last["summary"].startswith("Nobody has acknowledged it: ")
    assert last["alerts"][0]["excerpt"] is not None
    at = service.clock.now()
    async with service.store.transaction() as transaction:
        taken_on = partial(acknowledge, assignee="sam", at=at)
        await decide(transaction, "com_1", incident, taken_on, actor="key_1", at=at)
    await step(service, 2 * HOUR)
    assert len(httpserver.log) == 3


async def test_what_is_snoozed_is_not_told_again_before_that_ends(httpserver: HTTPServer, service: Service) -> None:
    await routed(service, httpserver, to(repeat_seconds=3600))
    incident = await raised(service, 1)
    await deliver_all(service)
    at = service.clock.now()
    async with service.store.transaction() as transaction:
        chosen = Snooze(began_at=at, until=at + 3 * HOUR)
        await snooze(transaction, "com_1", incident, chosen, actor="key_1", at=at)
    await step(service, 2 * HOUR)
    assert len(httpserver.log) == 1
    service.clock.advance(HOUR)
    await Snoozes(service.store, service.clock, planned=service.dispatcher.wake).end_due()
    await deliver_all(service)
    await step(service, HOUR)
    assert [event for event, _ in told(httpserver)] == ["incident.opened", "incident.updated", "incident.repeated"]


async def test_what_is_acknowledged_while_its_repetition_waits_is_not_told_again(
    httpserver: HTTPServer, service: Service
) -> None:
    await routed(service, httpserver, to(repeat_seconds=3600))
    incident = await raised(service, 1)
    await deliver_all(service)
    service.clock.advance(HOUR)
    await plan_repetitions(service.store, service.clock.now())
    await resolved(service, incident)
    await deliver_all(service)
    assert [event for event, _ in told(httpserver)] == ["incident.opened", "incident.resolved"]
    assert (await states(service))[1] == DeliveryState.OVERTAKEN


async def test_two_processes_plan_a_repetition_once(httpserver: HTTPServer, service: Service, tmp_path: Path) -> None:
    await routed(service, httpserver, to(repeat_seconds=3600))
    await raised(service, 1)
    await deliver_all(service)
    service.clock.advance(HOUR)
    at = service.clock.now()
    async with service_at(tmp_path, HandClock(at)) as other:
        await asyncio.gather(*(plan_repetitions(one.store, at) for one in (service, other)))
    await deliver_all(service)
    assert [event for event, _ in told(httpserver)] == ["incident.opened", "incident.repeated"]


async def test_without_its_route_nothing_is_told_again(httpserver: HTTPServer, service: Service) -> None:
    route = to(repeat_seconds=3600)
    await routed(service, httpserver, route)
    await raised(service, 1)
    await deliver_all(service)
    await service.store.delete_route("com_1", route.id, audit=audit(route.id))
    await step(service, HOUR)
    assert len(httpserver.log) == 1


async def test_incidents_told_together_are_repeated_together(httpserver: HTTPServer, service: Service) -> None:
    await routed(service, httpserver, to(wait_seconds=30, repeat_seconds=3600))
    await raised(service, 1)
    await raised(service, 2)
    await deliver_all(service)
    await step(service, 30 * SECOND)
    await step(service, HOUR)
    await step(service, 30 * SECOND)
    assert told(httpserver) == [("incident.grouped", 2)] * 2
    body = httpserver.log[1][0].get_json()["data"]
    assert {one["type"] for one in body["incidents"]} == {"incident.repeated"}


async def test_the_loop_tells_a_group_when_its_wait_is_over(httpserver: HTTPServer, service: Service) -> None:
    await routed(service, httpserver, to(wait_seconds=5, repeat_seconds=3600))
    running = asyncio.create_task(service.dispatcher.run())
    await raised(service, 1)
    await raised(service, 2)
    service.dispatcher.wake()
    async with asyncio.timeout(30):
        while await states(service) != [DeliveryState.HELD] * 2:
            pass
        service.clock.advance(5 * SECOND)
        while (await states(service))[-1] != DeliveryState.DELIVERED:
            pass
        service.clock.advance(HOUR)
        while len(await states(service)) < 5:
            pass
    await stop(running)
    assert service.clock.now() == START + HOUR + 5 * SECOND


@pytest.mark.parametrize(
    ("routes", "wait", "repeat"),
    [
        ([{"wait_seconds": 30}, {"wait_seconds": 10, "repeat_seconds": 600}], 10, 600),
        ([{"wait_seconds": 30, "repeat_seconds": 900}, {"repeat_seconds": 600}], None, 600),
        ([{"interval_seconds": 60}], 0, None),
        ([{}], None, None),
    ],
)
def test_of_several_routes_the_one_that_tells_soonest_counts(
    routes: list[dict[str, int]], wait: int | None, repeat: int | None
) -> None:
    leading = tuple(to(**changes) for changes in routes)
    destination = store_fixtures.destination("dst_1", "com_1")
    routing = Routing(destination=destination, reason=RoutingReason.BY_ROUTE, routes=leading)
    assert (routing.group and routing.group.wait_seconds, routing.repeat_seconds) == (wait, repeat)
    elsewhere = replace(routing, reason=RoutingReason.NOBODY_ELSE)
    assert (elsewhere.group, elsewhere.repeat_seconds) == (None, None)
