"""A destination in trouble is tried less and less often, costs the others nothing, and is switched off loudly."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerting.circuit import BACK_OFF, LONGEST_FAILURE
from alerting.dispatch import CONCURRENT_PROBES
from core.ports import Listing
from core.types import AttemptOutcome, DeliveryState, Destination, DestinationHealth, Detail
from tests.alerting_fixtures import audit, destination
from tests.delivery_service import LEASE, Hanging, Service, hook, ids, service_at, stop

pytest_plugins = ["tests.delivery_fixtures"]


async def test_the_back_off_grows_to_about_five_minutes_and_stays_there(
    httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_request("/hook").respond_with_data(status=503)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    waits = []
    for _ in range(6):
        await service.deliver_next()
        due_at = (await service.deliveries())[0].next_attempt_at
        assert due_at is not None
        waits.append(due_at - service.clock.now())
        service.clock.advance(waits[-1])
    assert waits[:3] == list(BACK_OFF)
    assert all(timedelta(minutes=4) <= wait <= timedelta(minutes=6) for wait in waits[3:])
    assert len(set(waits[3:])) > 1


@pytest.mark.parametrize(("asked", "waited"), [("600", 600), ("0", 5), ("999999999", 86400)])
async def test_retry_after_is_honoured_up_to_a_day(
    asked: str, waited: int, httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_request("/hook").respond_with_data(status=429, headers={"Retry-After": asked})
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    await service.deliver_next()
    assert (await service.deliveries())[0].next_attempt_at == service.clock.now() + timedelta(seconds=waited)


async def test_a_refused_delivery_is_parked_after_three_attempts_and_lets_the_next_pass(
    httpserver: HTTPServer, service: Service
) -> None:
    def answer(request: Request) -> Response:
        return Response(status=400 if request.get_json()["sequence"] == 1 else 200)

    httpserver.expect_request("/hook").respond_with_handler(answer)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    await service.plan(2)
    for _ in range(3):
        assert await service.deliver_next()
        service.clock.advance(timedelta(minutes=2))
    first, second = await service.deliveries()
    assert (first.state, first.attempts, second.attempts) == (DeliveryState.DEAD, 3, 0)
    assert await service.deliver_next()
    assert (await service.deliveries())[1].state is DeliveryState.DELIVERED
    replayed = await service.store.replay_delivery("com_1", first.id, service.clock.now(), audit=audit(first.id))
    assert await service.deliver_next()
    assert ids(httpserver)[-1] == replayed.idempotency_key == first.idempotency_key


async def test_an_unexpected_failure_parks_the_delivery_and_only_its_type_is_kept(service: Service) -> None:
    await service.store.add_destination(destination({}, kind="broken"), audit=audit("dst_1"))
    await service.plan(1)
    for _ in range(3):
        await service.deliver_next()
        service.clock.advance(timedelta(minutes=2))
    (delivery,) = await service.deliveries()
    assert (delivery.state, delivery.last_error) == (DeliveryState.DEAD, "unexpected KeyError")


@pytest.mark.parametrize(
    "wrong", [destination({"url": "nowhere"}), destination({}, kind="unheard_of"), destination({"x": 1}, kind="broken")]
)
async def test_wrong_settings_park_the_delivery_with_a_reason(wrong: Destination, service: Service) -> None:
    await service.store.add_destination(wrong, audit=audit("dst_1"))
    await service.plan(1)
    for _ in range(3):
        await service.deliver_next()
        service.clock.advance(timedelta(minutes=2))
    (delivery,) = await service.deliveries()
    assert delivery.state is DeliveryState.DEAD
    assert delivery.last_error is not None
    assert "channel" in delivery.last_error


async def test_many_waiting_notices_cost_a_destination_in_trouble_one_attempt_a_try(
    httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_request("/hook").respond_with_data(status=503)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    for number in range(20):
        await service.plan(number)
    for wait in BACK_OFF:
        assert await service.deliver_next()
        assert not await service.deliver_next()
        service.clock.advance(wait)
    assert len(httpserver.log) == len(BACK_OFF)
    assert sum(delivery.attempts for delivery in await service.deliveries()) == len(BACK_OFF)


async def test_the_circuit_outlives_a_restart_and_closes_with_the_first_success(
    httpserver: HTTPServer, service: Service, tmp_path: Path
) -> None:
    answers = [503]
    httpserver.expect_request("/hook").respond_with_handler(lambda _: Response(status=answers[0]))
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    await service.plan(2)
    for wait in BACK_OFF[:2]:
        await service.deliver_next()
        service.clock.advance(wait)
    await service.deliver_next()
    began_at = service.clock.now() - sum(BACK_OFF[:2], timedelta())
    async with service_at(tmp_path, service.clock) as restarted:
        assert not await restarted.deliver_next()
        assert (await restarted.store.destination("com_1", "dst_1")).health == DestinationHealth(
            failing_since=began_at,
            failure_count=3,
            retry_at=service.clock.now() + BACK_OFF[2],
            last_error="the webhook answered with status 503",
        )
        service.clock.advance(BACK_OFF[2])
        answers[0] = 204
        while await restarted.deliver_next():
            pass
        assert (await restarted.store.destination("com_1", "dst_1")).health == DestinationHealth()
        assert {one.state for one in await restarted.deliveries()} == {DeliveryState.DELIVERED}


async def test_a_refusal_shows_that_the_destination_answers(httpserver: HTTPServer, service: Service) -> None:
    for status in (503, 503, 400, 503):
        httpserver.expect_ordered_request("/hook").respond_with_data(status=status)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    for wait in (BACK_OFF[0], BACK_OFF[1], BACK_OFF[0], BACK_OFF[0]):
        assert await service.deliver_next()
        (delivery,) = await service.deliveries()
        assert delivery.next_attempt_at == service.clock.now() + wait
        service.clock.advance(wait)
    assert (delivery.attempts, delivery.refusal_count) == (4, 1)


async def test_a_notice_that_was_deferred_often_is_still_parked_only_after_three_refusals(
    httpserver: HTTPServer, service: Service
) -> None:
    for status in (503, 503, 503, 503, 400, 400, 400):
        httpserver.expect_ordered_request("/hook").respond_with_data(status=status)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    states = []
    for _ in range(7):
        assert await service.deliver_next()
        states.append((await service.deliveries())[0].state)
        service.clock.advance(timedelta(minutes=6))
    assert states == [DeliveryState.PENDING] * 6 + [DeliveryState.DEAD]


async def test_every_attempt_is_remembered_for_a_month(httpserver: HTTPServer, service: Service) -> None:
    for status in (503, 400, 200):
        httpserver.expect_ordered_request("/hook").respond_with_data("the answer", status=status)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    began_at = service.clock.now()
    for wait in (BACK_OFF[0], BACK_OFF[0], timedelta()):
        await service.deliver_next()
        service.clock.advance(wait)
    (delivery,) = await service.deliveries()
    attempts = (await service.store.attempts("com_1", delivery.id, Listing())).items
    assert [(one.number, one.at - began_at, one.outcome, one.status, one.error) for one in attempts] == [
        (1, timedelta(), AttemptOutcome.DEFERRED, 503, "the webhook answered with status 503"),
        (2, BACK_OFF[0], AttemptOutcome.REFUSED, 400, "the webhook answered with status 400"),
        (3, BACK_OFF[0] * 2, AttemptOutcome.DELIVERED, None, None),
    ]
    service.clock.advance(timedelta(days=29))
    await service.store.prune(service.clock.now())
    assert (await service.store.attempts("com_1", delivery.id, Listing())).items == attempts
    service.clock.advance(timedelta(days=1))
    await service.store.prune(service.clock.now())
    assert (await service.store.attempts("com_1", delivery.id, Listing())).items == ()


async def fail_for(service: Service, time: timedelta) -> None:
    """Let the clock run for so long, and attempt every twelve hours what is due then."""
    for _ in range(time // timedelta(hours=12)):
        service.clock.advance(timedelta(hours=12))
        while await service.deliver_next():
            pass


@pytest.mark.parametrize("status", [503, 404])
async def test_a_destination_that_took_nothing_for_five_days_is_disabled_and_the_others_are_told(
    status: int, httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_request("/hook").respond_with_data(status=status)
    told = others_told(httpserver)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    await service.deliver_next()
    await service.store.add_destination(hook(httpserver, "/other", name="dst_2"), audit=audit("dst_2"))
    await fail_for(service, LONGEST_FAILURE - timedelta(hours=12))
    await service.plan(2)
    assert (await service.store.destination("com_1", "dst_1")).enabled
    await fail_for(service, timedelta(hours=12))
    disabled = await service.store.destination("com_1", "dst_1")
    assert not disabled.enabled
    reason = f"it took nothing for 5 days: the webhook answered with status {status}"
    assert disabled.health.disabled_because == reason
    (body,) = [body for body in told if body["type"] == "destination.disabled"]
    assert body["data"]["destination"] == {"id": "dst_1", "kind": "webhook", "name": "Moderators", "reason": reason}
    assert body["data"]["summary"] == f"Destination switched off: Moderators (webhook), {reason}"


async def test_one_bad_answer_long_after_a_refused_notice_does_not_disable(
    httpserver: HTTPServer, service: Service
) -> None:
    answers = [400]
    httpserver.expect_request("/hook").respond_with_handler(lambda _: Response(status=answers[0]))
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    await fail_for(service, timedelta(days=2))
    assert [one.state for one in await service.deliveries()] == [DeliveryState.DEAD]
    service.clock.advance(LONGEST_FAILURE)
    answers[0] = 502
    await service.plan(2)
    assert await service.deliver_next()
    failing = await service.store.destination("com_1", "dst_1")
    assert failing.enabled
    assert failing.health.failing_since == service.clock.now()
    answers[0] = 200
    service.clock.advance(BACK_OFF[0])
    assert await service.deliver_next()
    assert (await service.store.destination("com_1", "dst_1")).health == DestinationHealth()


@pytest.mark.parametrize("is_parked", [True, False])
async def test_refusals_with_successes_between_never_disable(
    is_parked: bool, httpserver: HTTPServer, service: Service
) -> None:
    answers = [400]
    httpserver.expect_request("/hook").respond_with_handler(lambda _: Response(status=answers[0]))
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    await service.deliver_next()
    if is_parked:
        await fail_for(service, timedelta(days=2))
    await service.plan(2)
    answers[0] = 200
    service.clock.advance(BACK_OFF[0])
    assert await service.deliver_next()
    assert (await service.store.destination("com_1", "dst_1")).health == DestinationHealth()
    service.clock.advance(LONGEST_FAILURE)
    answers[0] = 400
    await service.plan(3)
    assert await service.deliver_next()
    failing = await service.store.destination("com_1", "dst_1")
    assert (failing.enabled, failing.health.failing_since) == (True, service.clock.now())


async def test_what_is_raised_while_a_destination_is_switched_off_as_it_took_nothing_waits_for_it(
    httpserver: HTTPServer, service: Service
) -> None:
    answers = [410]
    httpserver.expect_request("/hook").respond_with_handler(lambda _: Response(status=answers[0]))
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    assert await service.deliver_next()
    assert not (await service.store.destination("com_1", "dst_1")).enabled
    await service.plan(2)
    assert not await service.deliver_next()
    answers[0] = 200
    await service.store.set_destination_enabled("com_1", "dst_1", True, audit=audit("dst_1"))
    while await service.deliver_next():
        pass
    assert [request.get_json()["sequence"] for request, _ in httpserver.log] == [1, 1, 2]


async def test_one_that_a_person_switched_off_is_told_nothing_of_what_is_raised_meanwhile(
    httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.store.set_destination_enabled("com_1", "dst_1", False, audit=audit("dst_1"))
    await service.plan(1)
    assert await service.deliveries() == []


async def test_one_that_took_nothing_stands_in_for_no_other(httpserver: HTTPServer, service: Service) -> None:
    httpserver.expect_request("/hook").respond_with_data(status=410)
    told = others_told(httpserver)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    assert await service.deliver_next()
    await service.store.add_destination(
        replace(hook(httpserver, "/other", name="dst_2"), only_when_asked=True), audit=audit("dst_2")
    )
    await service.plan(2)
    while await service.deliver_next():
        pass
    assert [body["type"] for body in told] == ["incident.opened"]
    assert len([one for one in await service.deliveries() if one.destination_id == "dst_1"]) == 2


async def test_gone_disables_the_destination_at_once_and_what_waits_is_sent_when_it_is_enabled(
    httpserver: HTTPServer, service: Service
) -> None:
    answers = [410]
    httpserver.expect_request("/hook").respond_with_handler(lambda _: Response(status=answers[0]))
    told = others_told(httpserver)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.store.add_destination(hook(httpserver, "/other", name="dst_2"), audit=audit("dst_2"))
    await service.store.add_destination(
        hook(httpserver, "/other", name="dst_3", detail=Detail.COUNTS), audit=audit("dst_3")
    )
    await service.plan(1)
    await service.plan(2)
    while await service.deliver_next():
        pass
    assert not (await service.store.destination("com_1", "dst_1")).enabled
    summaries = sorted(body["data"]["summary"] for body in told if body["type"] == "destination.disabled")
    assert summaries == [
        "Destination switched off: Moderators (webhook), it is gone: the webhook answered with status 410",
        "Destination switched off: one of kind webhook",
    ]
    log = (await service.store.audit_log("com_1", Listing())).items
    assert ("dispatcher", "destination.disabled", "dst_1") in {(one.actor, one.action, one.object_id) for one in log}
    waiting = [one for one in await service.deliveries() if one.destination_id == "dst_1"]
    assert [one.state for one in waiting] == [DeliveryState.PENDING] * 2

    answers[0] = 200
    enabled = await service.store.set_destination_enabled("com_1", "dst_1", True, audit=audit("dst_1"))
    assert enabled.health == DestinationHealth()
    while await service.deliver_next():
        pass
    assert [one.idempotency_key for one in waiting] == [
        request.headers["webhook-id"] for request, answer in httpserver.log if request.path == "/hook"
    ][1:]


async def test_a_destination_that_a_person_switched_off_meanwhile_is_not_disabled_a_second_time(
    httpserver: HTTPServer, service: Service
) -> None:
    told = others_told(httpserver)
    httpserver.expect_request("/hook").respond_with_data(status=410)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    await service.store.add_destination(hook(httpserver, "/other", name="dst_2"), audit=audit("dst_2"))
    lease = await service.store.take_due_delivery(service.clock.now(), LEASE)
    assert lease is not None
    await service.store.set_destination_enabled("com_1", "dst_1", False, audit=audit("dst_1"))
    await service.dispatcher.deliver(lease)
    assert (await service.store.destination("com_1", "dst_1")).health.disabled_because is None
    assert not await service.deliver_next()
    assert told == []


async def test_a_destination_that_is_deleted_while_a_notice_is_under_way_stops_nothing(
    httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_request("/hook").respond_with_data(status=503)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    lease = await service.store.take_due_delivery(service.clock.now(), LEASE)
    assert lease is not None
    await service.store.delete_destination("com_1", "dst_1", audit=audit("dst_1"))
    await service.dispatcher.deliver(lease)
    assert await service.deliveries() == []


async def test_destinations_that_hang_again_leave_places_for_the_others(
    httpserver: HTTPServer, service: Service
) -> None:
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def answer(_: Request) -> Response:
        loop.call_soon_threadsafe(arrived.set)
        return Response()

    httpserver.expect_request("/hook").respond_with_handler(answer)
    Hanging.entered = asyncio.Event()
    for number in range(CONCURRENT_PROBES * 5):
        failing = destination({}, kind="hanging", id=f"dst_{number}")
        await service.store.add_destination(failing, audit=audit("dst_1"))
        async with service.store.transaction() as transaction:
            health = DestinationHealth(failing_since=service.clock.now(), failure_count=1)
            await transaction.save_destination_health(replace(failing, health=health), service.clock.now())
    await service.plan(0)
    running = asyncio.create_task(service.dispatcher.run())
    async with asyncio.timeout(20):
        await Hanging.entered.wait()
        await service.store.add_destination(hook(httpserver, name="dst_works"), audit=audit("dst_1"))
        await service.plan(1)
        service.dispatcher.wake()
        await arrived.wait()
    await stop(running)


def others_told(server: HTTPServer) -> list[dict[str, Any]]:
    """Return what ``/other`` is told, as it comes."""
    told: list[dict[str, Any]] = []

    def take(request: Request) -> Response:
        told.append(json.loads(request.get_data()))
        return Response(status=204)

    server.expect_request("/other").respond_with_handler(take)
    return told
