"""The outbox: what was planned arrives, in order, with the same id however often it has to be sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import BaseModel, ConfigDict
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerting.dispatch import BACK_OFF, LONGEST_WAIT, Dispatcher
from alerting.incidents import raise_alert
from alerting.notifiers.webhook import WebhookNotifier
from core.db.store import SqlStore
from core.errors import CryptoError, LeakwatchError, StoreError
from core.http import GuardedClient
from core.ids import new_id
from core.plugins import Registry
from core.ports import Listing, Notifier, NotifierContext
from core.settings import HttpSettings
from core.types import Delivery, DeliveryLease, DeliveryState, Destination, Document, Notice
from tests.alerting_fixtures import HandClock, alert, audit, destination, open_store

SECRET = "whsec_bGVha3dhdGNoLXRlc3Qtc2VjcmV0LW51bWJlci1vbmU="
LEASE = timedelta(minutes=2)


class NoSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Broken:
    """A channel that breaks in a way nobody foresaw."""

    kind: ClassVar[str] = "broken"
    Settings: ClassVar[type[BaseModel]] = NoSettings

    def __init__(self, settings: NoSettings, context: NotifierContext) -> None:
        pass

    async def send(self, notice: Notice) -> None:
        raise KeyError("a term that must not be shown")


class Hanging(Broken):
    """A channel that never answers."""

    kind: ClassVar[str] = "hanging"
    entered: ClassVar[asyncio.Event]

    async def send(self, notice: Notice) -> None:
        type(self).entered.set()
        await asyncio.Event().wait()


REGISTRY: Registry[Notifier] = Registry("channel", {"webhook": WebhookNotifier, "broken": Broken, "hanging": Hanging})


@dataclass
class Service:
    """A store on disk, a dispatcher over it, and the clock of both."""

    store: SqlStore
    clock: HandClock
    context: NotifierContext
    dispatcher: Dispatcher

    async def plan(self, number: int) -> None:
        """Raise an alert of its own, which plans a delivery to every destination."""
        document = Document(id=f"feed:{number}", source="feed", external_id=str(number), text=f"leak {number}")
        async with self.store.transaction() as transaction:
            raised = alert(id=new_id("alt"), document=document, raised_at=self.clock.now())
            await raise_alert(transaction, raised, at=self.clock.now())

    async def deliver_next(self) -> bool:
        """Attempt one due delivery; return whether there was one."""
        lease = await self.store.take_due_delivery(self.clock.now(), LEASE)
        if lease is not None:
            await self.dispatcher.deliver(lease)
        return lease is not None

    async def deliveries(self) -> list[Delivery]:
        items = (await self.store.deliveries("com_1", Listing(limit=100))).items
        return sorted(items, key=lambda delivery: (delivery.destination_id, delivery.sequence))


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    clock = HandClock()
    settings = HttpSettings(allowed_networks=("127.0.0.0/8",), host_interval_seconds=0)
    async with open_store(tmp_path, clock) as store, GuardedClient(settings, clock) as http:
        context = NotifierContext(http=http, clock=clock)
        yield Service(store, clock, context, Dispatcher(store, REGISTRY, context, lease_for=LEASE))


def hook(server: HTTPServer, path: str = "/hook", *, name: str = "dst_1") -> Destination:
    return destination({"url": server.url_for(path), "secret": SECRET}, id=name)


def ids(server: HTTPServer) -> list[str]:
    return [request.headers["webhook-id"] for request, _ in server.log]


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

    async def killed(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as crash:
        crash.setattr(service.store, "delivery_succeeded", killed)
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


async def test_the_back_off_grows_to_about_five_minutes_and_ends_after_five_days(
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
    service.clock.advance(timedelta(days=5))
    await service.deliver_next()
    assert (await service.deliveries())[0].state is DeliveryState.DEAD


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


async def test_gone_disables_the_destination(httpserver: HTTPServer, service: Service) -> None:
    httpserver.expect_request("/hook").respond_with_data(status=410)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    await service.plan(1)
    await service.plan(2)
    assert await service.deliver_next()
    assert not (await service.store.destination("com_1", "dst_1")).enabled
    log = (await service.store.audit_log("com_1", Listing())).items
    assert ("dispatcher", "destination.disabled", "dst_1") in {(one.actor, one.action, one.object_id) for one in log}
    assert not await service.deliver_next()
    assert [delivery.state for delivery in await service.deliveries()] == [DeliveryState.DEAD, DeliveryState.PENDING]


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
    await service.store.delivery_succeeded(taken[0], service.clock.now())


async def test_an_unexpected_failure_is_deferred_and_only_its_type_is_kept(service: Service) -> None:
    await service.store.add_destination(destination({}, kind="broken"), audit=audit("dst_1"))
    await service.plan(1)
    await service.deliver_next()
    (delivery,) = await service.deliveries()
    assert (delivery.state, delivery.last_error) == (DeliveryState.PENDING, "unexpected KeyError")


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

    async def look() -> datetime | None:
        due_at = await next_due()
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


@pytest.mark.parametrize("failure", [StoreError("the disk is full"), CryptoError("a sealed value does not open")])
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

    async def sometimes(*arguments: object) -> DeliveryLease | None:
        for failure in failures:
            failed.set()
            raise failure
        return await take(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(service.store, "take_due_delivery", sometimes)
    running = asyncio.create_task(service.dispatcher.run())
    async with asyncio.timeout(20):
        await failed.wait()
        service.clock.advance(LONGEST_WAIT)
        await arrived.wait()
    await stop(running)


async def stop(running: asyncio.Task[None]) -> None:
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
