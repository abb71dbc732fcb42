"""The outbox: what was planned arrives, in order, with the same id however often it has to be sent."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NoReturn

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerting.circuit import BACK_OFF
from alerting.dispatch import LONGEST_WAIT, Dispatcher
from alerting.notifiers.webhook import WebhookNotifier
from core.errors import Conflict, CryptoError, LeakwatchError, NotFound, StoreError
from core.plugins import Registry
from core.types import DeliveryLease, DeliveryState, Notice
from tests.alerting_fixtures import audit, destination
from tests.delivery_service import LEASE, REGISTRY, Hanging, Service, hook, ids, stop
from tests.store_fixtures import delivery_succeeded

pytest_plugins = ["tests.delivery_fixtures"]


async def test_a_planned_delivery_arrives_and_is_marked(httpserver: HTTPServer, service: Service) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    assert await service.deliver_next()
    assert not await service.deliver_next()
    (delivery,) = await service.deliveries()
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 1)
    body = json.loads(httpserver.log[0][0].get_data())
    assert ids(httpserver) == [delivery.idempotency_key]
    assert body["sequence"] == 1
    assert body["data"]["summary"] == "1 linkage alert, high (88), Members"
    assert body["data"]["alerts"][0]["excerpt"] == "█████ is Z███████ Z██████"


async def test_a_crash_between_sending_and_recording_sends_the_same_id_again(
    httpserver: HTTPServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)

    def killed() -> NoReturn:
        raise asyncio.CancelledError

    with monkeypatch.context() as crash:
        crash.setattr(service.store, "transaction", killed)
        with pytest.raises(asyncio.CancelledError):
            await service.deliver_next()
    assert (await service.deliveries())[0].state is DeliveryState.PENDING
    assert not await service.deliver_next()
    service.clock.advance(LEASE)
    assert await service.deliver_next()
    (delivery,) = await service.deliveries()
    assert delivery.state is DeliveryState.DELIVERED
    assert ids(httpserver) == [delivery.idempotency_key] * 2


async def test_a_500_is_tried_again_later_and_then_delivered(httpserver: HTTPServer, service: Service) -> None:
    httpserver.expect_ordered_request("/hook").respond_with_data(status=500)
    httpserver.expect_ordered_request("/hook").respond_with_data()
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    await service.deliver_next()
    (delivery,) = await service.deliveries()
    assert delivery.next_attempt_at == service.clock.now() + BACK_OFF[0]
    assert delivery.last_error == "the webhook answered with status 500"
    assert not await service.deliver_next()
    service.clock.advance(BACK_OFF[0])
    await service.deliver_next()
    assert (await service.deliveries())[0].state is DeliveryState.DELIVERED
    assert len(set(ids(httpserver))) == 1


async def test_a_destination_keeps_its_order_while_its_first_delivery_waits(
    httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_ordered_request("/hook").respond_with_data(status=500)
    for _ in range(3):
        httpserver.expect_ordered_request("/hook").respond_with_data()
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    for number in range(3):
        await service.plan(number)
    assert await service.deliver_next()
    assert not await service.deliver_next()
    service.clock.advance(BACK_OFF[0])
    while await service.deliver_next():
        pass
    assert [request.get_json()["sequence"] for request, _ in httpserver.log] == [1, 1, 2, 3]


async def test_a_lost_lease_records_nothing(httpserver: HTTPServer, service: Service) -> None:
    httpserver.expect_request("/hook").respond_with_data(status=410)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    taken: list[DeliveryLease | None] = []

    class Slow(WebhookNotifier):
        async def send(self, notice: Notice) -> None:
            service.clock.advance(LEASE)
            taken.append(await service.store.take_due_delivery(service.clock.now(), LEASE))
            await super().send(notice)

    slow = Dispatcher(service.store, Registry("channel", {"webhook": Slow}), service.context, lease_for=LEASE)
    assert await replace(service, dispatcher=slow).deliver_next()
    (delivery,) = await service.deliveries()
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 0)
    assert (await service.store.destination("com_1", "dst_1")).enabled
    assert taken[0] is not None
    await delivery_succeeded(service.store, taken[0], service.clock.now())


async def test_the_loop_delivers_what_is_planned_later_and_waits_out_back_offs(
    httpserver: HTTPServer, service: Service
) -> None:
    for status in (500, 500, 200, 200):
        httpserver.expect_ordered_request("/hook").respond_with_data(status=status)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    running = asyncio.create_task(service.dispatcher.run())
    await service.plan(1)
    await service.plan(2)
    service.dispatcher.wake()
    async with asyncio.timeout(20):
        for attempts, wait in enumerate(BACK_OFF[:2], start=1):
            while (await service.deliveries())[0].attempts < attempts:
                pass
            service.clock.advance(wait)
        while (await service.deliveries())[1].state is not DeliveryState.DELIVERED:
            pass
    await stop(running)
    assert [request.get_json()["sequence"] for request, _ in httpserver.log] == [1, 1, 1, 2]


async def test_what_another_process_planned_is_delivered_without_a_wake(
    httpserver: HTTPServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    next_due = service.store.next_delivery_due_at
    looked = asyncio.Event()

    async def look(**options: bool) -> datetime | None:
        due_at = await next_due(**options)
        looked.set()
        return due_at

    monkeypatch.setattr(service.store, "next_delivery_due_at", look)
    running = asyncio.create_task(service.dispatcher.run())
    async with asyncio.timeout(20):
        await looked.wait()
        await service.plan(1)
        service.clock.advance(LONGEST_WAIT)
        while (await service.deliveries())[0].state is not DeliveryState.DELIVERED:
            pass
    await stop(running)


async def test_a_hanging_destination_holds_up_no_other(httpserver: HTTPServer, service: Service) -> None:
    Hanging.entered = asyncio.Event()
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def answer(_: Request) -> Response:
        loop.call_soon_threadsafe(arrived.set)
        return Response()

    httpserver.expect_request("/hook").respond_with_handler(answer)
    await service.store.add_destination(destination({}, kind="hanging", id="dst_0"), audit=audit("dst_1"))
    await service.plan(0)
    running = asyncio.create_task(service.dispatcher.run())
    async with asyncio.timeout(20):
        await Hanging.entered.wait()
        await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
        await service.plan(1)
        service.dispatcher.wake()
        await arrived.wait()
    await stop(running)


async def test_a_hanging_channel_is_given_up_before_its_lease_ends(service: Service) -> None:
    Hanging.entered = asyncio.Event()
    await service.store.add_destination(destination({}, kind="hanging"), audit=audit("dst_1"))
    await service.plan(1)
    quick = Dispatcher(service.store, REGISTRY, service.context, lease_for=timedelta(seconds=0.1))
    assert await replace(service, dispatcher=quick).deliver_next()
    assert "longer than 0.08 seconds" in str((await service.deliveries())[0].last_error)


@pytest.mark.parametrize("failure", [StoreError("the disk is full"), CryptoError("sealed"), NotFound("it is gone")])
async def test_repetitions_that_fail_keep_back_nothing_that_is_due(
    failure: LeakwatchError, httpserver: HTTPServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)

    async def failing(*_: object) -> NoReturn:
        raise failure

    monkeypatch.setattr(service.store, "due_repetitions", failing)
    running = asyncio.create_task(service.dispatcher.run())
    async with asyncio.timeout(20):
        while (await service.deliveries())[0].state is not DeliveryState.DELIVERED:
            pass
    await stop(running)


@pytest.mark.parametrize("failure", [StoreError("the disk is full"), CryptoError("sealed"), Conflict("changed")])
async def test_a_failing_database_does_not_end_the_loop(
    failure: LeakwatchError, httpserver: HTTPServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def answer(_: Request) -> Response:
        loop.call_soon_threadsafe(arrived.set)
        return Response()

    httpserver.expect_request("/hook").respond_with_handler(answer)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    take = service.store.take_due_delivery
    failures = iter([failure])
    failed = asyncio.Event()

    async def sometimes(*arguments: object, **options: bool) -> DeliveryLease | None:
        for failure in failures:
            failed.set()
            raise failure
        return await take(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(service.store, "take_due_delivery", sometimes)
    running = asyncio.create_task(service.dispatcher.run())
    async with asyncio.timeout(20):
        await failed.wait()
        service.clock.advance(LONGEST_WAIT)
        await arrived.wait()
    await stop(running)
