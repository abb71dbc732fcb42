"""What waits in threads holds up nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path

from core.types import Document
from monitor.parts import build_parts
from monitor.service import run_service
from monitor.wiring import open_service
from tests.service_fixtures import import_sample, settings_for

WAITING = 40
"""More than the threads that a program on a machine with few processors has by itself."""


async def test_look_ups_that_hang_leave_threads_for_matching(tmp_path: Path) -> None:
    released = threading.Event()
    alert_counts: list[int] = []
    async with open_service(build_parts(settings_for(tmp_path))) as service:
        community = await import_sample(service, tmp_path)

        async def ready(_: str) -> None:
            hanging = [asyncio.create_task(asyncio.to_thread(released.wait)) for _ in range(WAITING)]
            try:
                document = Document(id="d", text="n1ght_h3ron is Ana Bell")
                async with asyncio.timeout(60):
                    alert_counts.append(len((await service.pipeline.ingest(community.id, [document])).alerts))
            finally:
                released.set()
                await asyncio.gather(*hanging)
                os.kill(os.getpid(), signal.SIGTERM)

        await run_service(service, ready=ready)
    assert alert_counts == [1]
