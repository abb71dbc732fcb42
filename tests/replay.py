"""Replays the due sources of a database with the real scheduler until none is due; may be killed at any moment."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from core.settings import HttpSettings, MonitorSettings, Settings
from monitor.parts import build_parts
from monitor.wiring import open_service

LEASE_SECONDS = 3
"""Longer than a page takes on a busy machine: a lost lease repeats the page. After a kill it must run out."""


async def replay(folder: Path) -> None:
    settings = Settings(
        data_directory=folder,
        http=HttpSettings(host_interval_seconds=0),
        monitor=MonitorSettings(source_lease_seconds=LEASE_SECONDS),
    )
    async with open_service(build_parts(settings)) as service:
        scheduler = asyncio.create_task(service.scheduler.run())
        clock, rest = service.parts.clock, asyncio.Event()
        while (due_at := await service.store.next_source_due_at()) is not None:
            if (due_at - clock.now()).total_seconds() > LEASE_SECONDS:
                break
            await clock.wait_until(due_at, rest)
        scheduler.cancel()
        await asyncio.wait([scheduler])


if __name__ == "__main__":
    asyncio.run(replay(Path(sys.argv[1])))
