"""A day in which three receivers fail, each in its own way, and one works: what is delivered, when, and in what order.

``python -m tests.outage [ALERTS]`` raises so many alerts (2,000 by default) over 24 hours of a clock that is set ahead,
with receivers that refuse connections, answer 500, and never answer; then they work again. Everything is real but the
clock and the time limit of a request, which is shortened so that a day of hanging passes quickly.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path

from alerting.dispatch import Dispatcher
from alerting.incidents import raise_alert
from alerting.notifiers.webhook import WebhookNotifier
from core.db.store import SqlStore
from core.http import GuardedClient
from core.ids import new_id
from core.listing import whole
from core.logs import configure_logs
from core.plugins import Registry
from core.ports import Notifier, NotifierContext
from core.settings import HttpSettings
from core.types import DeliveryState, Document
from tests.alerting_fixtures import alert, audit, destination, open_store
from tests.delivery_service import SECRET, stop
from tests.killed_service import pause
from tests.shifted_clock import ShiftedClock

DAY = timedelta(days=1)
TIMEOUT_SECONDS = 3
FAILING = ("refusing", "500", "hanging")
WORKING = "working"
LEASE = timedelta(days=2)
LONGEST_WAIT_SECONDS = 3600


@dataclass(frozen=True)
class Outcome:
    """What came of it, by receiver: ``arrived`` are the sequence numbers that it took, in order; ``attempts`` how often
    each notice was tried that was tried in vain in the day; ``recovered_after`` is how long after its return it had
    everything. ``waits_before`` and ``waits_during`` are the seconds that the working receiver waited for each alert
    while the others worked, too, and while they failed."""

    arrived: dict[str, list[int]]
    attempts: dict[str, list[int]]
    recovered_after: dict[str, timedelta]
    waits_before: list[float]
    waits_during: list[float]


@dataclass
class Receivers:
    """Webhooks, told apart by their path, that know what they took; ``broken`` ones behave as their name says."""

    clock: ShiftedClock
    broken: bool = False
    arrived: dict[str, dict[int, None]] = field(default_factory=dict)
    last_at: dict[str, datetime] = field(default_factory=dict)
    hanging_count: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            name = head.split()[1].strip("/")
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = await reader.readexactly(int(headers["content-length"]))
            if self.broken and name != WORKING:
                if name == "hanging":
                    self.hanging_count += 1
                    try:
                        await reader.read()
                    finally:
                        self.hanging_count -= 1
                else:
                    writer.write(b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n")
                return
            sequence = int(body.partition(b'"sequence":')[2].partition(b",")[0])
            taken = self.arrived.setdefault(name, {})
            taken.setdefault(sequence)
            self.last_at[name] = self.clock.now()
            self.news.set()
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def wait_for(self, name: str, count: int) -> None:
        """Return when the receiver has so many."""
        while len(self.arrived.get(name, {})) < count:
            self.news.clear()
            await self.news.wait()

    async def wait_for_all(self, count: int) -> None:
        """Return when every receiver has so many."""
        for name in (WORKING, *FAILING):
            await self.wait_for(name, count)


async def live_through(folder: Path, alerts: int) -> Outcome:
    """Live through the day, and what follows it, and return what came of it."""
    clock = ShiftedClock()
    settings = HttpSettings(allowed_networks=(IPv4Network("127.0.0.0/8"),), timeout_seconds=TIMEOUT_SECONDS)
    receivers = Receivers(clock)
    async with AsyncExitStack() as open_until_the_end:
        server = await asyncio.start_server(receivers.talk, "127.0.0.1", 0)
        await open_until_the_end.enter_async_context(server)
        port = server.sockets[0].getsockname()[1]
        store = await open_until_the_end.enter_async_context(open_store(folder, clock))
        http = await open_until_the_end.enter_async_context(GuardedClient(settings, clock, paced=False))
        context = NotifierContext(http=http, clock=clock)
        registry: Registry[Notifier] = Registry("channel", {"webhook": WebhookNotifier})
        dispatcher = Dispatcher(store, registry, context, lease_for=LEASE)
        running = asyncio.create_task(dispatcher.run())
        refusing = await asyncio.start_server(receivers.talk, "127.0.0.1", 0)
        refusing_port = refusing.sockets[0].getsockname()[1]
        for name in (WORKING, *FAILING):
            await _add(store, name, refusing_port if name == "refusing" else port)
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            before = alerts // 2
            waits_before = [await _raise(store, dispatcher, receivers, clock) for _ in range(before)]
            await receivers.wait_for_all(before)
            refusing.close()
            await refusing.wait_closed()
            receivers.broken = True
            waits_during = []
            for _ in range(alerts):
                clock.advance(DAY / alerts)
                waits_during.append(await _raise(store, dispatcher, receivers, clock))
            while not all((attempts := await _attempts(store)).values()):  # the first that hangs may still be under way
                await pause(0.1)
            receivers.broken = False
            returned_at = clock.now()
            again = await asyncio.start_server(receivers.talk, "127.0.0.1", refusing_port)
            await open_until_the_end.enter_async_context(again)
            await _catch_up(store, receivers, clock, before + alerts)
        await stop(running)
        return Outcome(
            arrived={name: list(taken) for name, taken in receivers.arrived.items()},
            attempts=attempts,
            recovered_after={name: receivers.last_at[name] - returned_at for name in FAILING},
            waits_before=waits_before,
            waits_during=waits_during,
        )


async def _add(store: SqlStore, name: str, port: int) -> None:
    url = f"http://127.0.0.1:{port}/{name}"
    await store.add_destination(destination({"url": url, "secret": SECRET}, id=f"dst_{name}"), audit=audit(name))


async def _raise(store: SqlStore, dispatcher: Dispatcher, receivers: Receivers, clock: ShiftedClock) -> float:
    """Raise an alert of its own, and return after how many seconds the working receiver had it."""
    number = len(receivers.arrived.get(WORKING, {}))
    document = Document(id=f"feed:{number}", source="feed", external_id=str(number), text=f"leak {number}")
    began = clock.monotonic()
    async with store.transaction() as transaction:
        raised = alert(id=new_id("alt"), document=document, raised_at=clock.now())
        await raise_alert(transaction, raised, at=clock.now())
    dispatcher.wake()
    await receivers.wait_for(WORKING, number + 1)
    return clock.monotonic() - began


async def _attempts(store: SqlStore) -> dict[str, list[int]]:
    """Return, for each failing receiver, how often each of its notices was tried that was tried in vain."""
    return {
        name: [
            delivery.attempts
            for delivery in await whole(
                partial(store.deliveries, "com_1", state=DeliveryState.PENDING, destination_id=f"dst_{name}")
            )
            if delivery.attempts
        ]
        for name in FAILING
    }


async def _catch_up(store: SqlStore, receivers: Receivers, clock: ShiftedClock, count: int) -> None:
    """Return when every failing receiver has so many; the clock is set ahead over the waits until they are tried."""
    while receivers.hanging_count:  # a day of hanging is no part of what the clock is set ahead by
        await pause(0.1)
    while any(len(receivers.arrived.get(name, {})) < count for name in FAILING):
        for name in FAILING:
            retry_at = (await store.destination("com_1", f"dst_{name}")).health.retry_at
            if retry_at is not None and retry_at > clock.now():
                clock.advance(retry_at - clock.now())
        await pause(0.1)


def is_complete_and_in_order(arrived: list[int], alerts: int) -> bool:
    """Return whether every alert before and during the day arrived, one after the other."""
    return arrived == list(range(1, alerts // 2 + alerts + 1))


def main(alerts: int) -> None:
    """Print what came of it."""
    configure_logs("CRITICAL")
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(live_through(Path(folder), alerts))
    for name in FAILING:
        in_order = is_complete_and_in_order(outcome.arrived[name], alerts)
        print(
            f"{name}: {sum(outcome.attempts[name])} attempts at {len(outcome.attempts[name])} notice in 24 hours; then "
            f"all {alerts} {'in order' if in_order else 'NOT IN ORDER'} within {outcome.recovered_after[name]}"
        )
    before, during = statistics.median(outcome.waits_before), statistics.median(outcome.waits_during)
    print(f"another receiver waited {before:.3f} s before and {during:.3f} s meanwhile (medians)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
