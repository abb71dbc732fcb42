"""The service that ``tests.kill_delivery`` kills: a real one, and one with the mistake that must not be made."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path

from alerting.dispatch import Dispatcher
from core.logs import configure_logs
from core.settings import ApiSettings, HttpSettings, MonitorSettings, Settings
from core.types import DeliveryLease
from monitor.parts import build_parts
from monitor.wiring import open_service
from tests.fresh_database import place_database
from tests.shifted_clock import ShiftedClock

LEASE_SECONDS = 30
BETWEEN_STARTS = timedelta(minutes=1)
"""So much later a killed service is started again, by its clock: its leases have run out then."""


class MarkedBeforeSent(Dispatcher):
    """A dispatcher with the mistake that must not be made."""

    async def deliver(self, lease: DeliveryLease) -> None:
        shown = await self._notice(lease)
        await self._record_success(lease, self._attempt(lease, None, 0.0), shown)
        await self._send(lease, shown)


def serve(folder: Path, start: int, is_broken: bool) -> None:
    """Read and deliver on the folder's database until nothing is left to do; may be killed at any moment. ``start``
    counts how often it was started."""
    configure_logs("CRITICAL")
    asyncio.run(_serve(folder, ShiftedClock(start * BETWEEN_STARTS), is_broken))


async def _serve(folder: Path, clock: ShiftedClock, is_broken: bool) -> None:
    async with open_service(build_parts(settings_of(folder), clock)) as service:
        if is_broken:
            service.dispatcher.__class__ = MarkedBeforeSent
        jobs = [asyncio.create_task(service.scheduler.run()), asyncio.create_task(service.dispatcher.run())]
        document_count = len((folder / "documents.jsonl").read_text().splitlines())
        while seen_count(folder) < document_count or await service.store.next_delivery_due_at() is not None:
            await pause(0.1)
        for job in jobs:
            job.cancel()
        await asyncio.wait(jobs)


def seen_count(folder: Path) -> int:
    """Return how many documents were read."""
    with closing(sqlite3.connect(f"file:{folder / 'leakwatch.sqlite3'}?mode=ro", uri=True, timeout=10)) as database:
        (count,) = database.execute("select count(*) from seen").fetchone()
    return int(count)


async def pause(seconds: float) -> None:
    """Return after so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0)):
            await asyncio.Event().wait()


def settings_of(folder: Path) -> Settings:
    """Return settings that keep everything in the folder, whose database is ready, and may reach loopback."""
    place_database(folder)
    return Settings(
        data_directory=folder,
        api=ApiSettings(port=0),
        http=HttpSettings(allowed_networks=(IPv4Network("127.0.0.0/8"),)),
        monitor=MonitorSettings(source_lease_seconds=LEASE_SECONDS, delivery_lease_seconds=LEASE_SECONDS),
    )
