"""What the tests of delivery share: channels that misbehave, and a store, a dispatcher over it, and a clock of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pytest_httpserver import HTTPServer

from alerting.dispatch import Dispatcher
from alerting.incidents import raise_alert
from alerting.notifiers.webhook import WebhookNotifier
from core.db.store import SqlStore
from core.http import GuardedClient
from core.ids import new_id
from core.plugins import Registry
from core.ports import Listing, Notifier, NotifierContext
from core.settings import HttpSettings
from core.types import Delivery, Destination, Detail, Document, Notice
from tests.alerting_fixtures import HandClock, alert, destination, open_store

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


@asynccontextmanager
async def service_at(directory: Path, clock: HandClock) -> AsyncIterator[Service]:
    """Open a service on the directory's database, which is made where there is none."""
    settings = HttpSettings(allowed_networks=(IPv4Network("127.0.0.0/8"),))
    async with open_store(directory, clock) as store, GuardedClient(settings, clock, paced=False) as http:
        context = NotifierContext(http=http, clock=clock)
        yield Service(store, clock, context, Dispatcher(store, REGISTRY, context, lease_for=LEASE))


def hook(
    server: HTTPServer, path: str = "/hook", *, name: str = "dst_1", detail: Detail = Detail.REDACTED
) -> Destination:
    return destination({"url": server.url_for(path), "secret": SECRET}, id=name, detail=detail)


def ids(server: HTTPServer) -> list[str]:
    return [request.headers["webhook-id"] for request, _ in server.log]


async def stop(running: asyncio.Task[None]) -> None:
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
