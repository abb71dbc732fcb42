"""Replays the due sources of a database with the real scheduler until none is due; may be killed at any moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.logs import configure_logs
from monitor.parts import build_parts
from monitor.wiring import open_service
from tests.killed_service import BETWEEN_STARTS, LEASE_SECONDS, pause, settings_of
from tests.shifted_clock import ShiftedClock


def replay(folder: Path, start: int) -> None:
    """Read the folder's sources to their end. ``start`` counts how often that was begun."""
    configure_logs("CRITICAL")
    asyncio.run(_replay(folder, ShiftedClock(start * BETWEEN_STARTS)))


async def _replay(folder: Path, clock: ShiftedClock) -> None:
    async with open_service(build_parts(settings_of(folder), clock)) as service:
        scheduler = asyncio.create_task(service.scheduler.run())
        while (due_at := await service.store.next_source_due_at()) is not None:
            if (due_at - clock.now()).total_seconds() > LEASE_SECONDS:
                break
            await pause(0.1)  # not until it is due: while it is worked on, that is when the lease ends
        scheduler.cancel()
        await asyncio.wait([scheduler])
