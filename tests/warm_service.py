"""Imported once by the process from which the services that are killed are forked, so that each of them starts warm."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from core.types import Document
from monitor.parts import build_parts
from monitor.wiring import open_service
from tests.killed_service import settings_of
from tests.service_fixtures import import_sample


async def _warm_up() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_service(build_parts(settings_of(Path(folder)))) as service:
            community = await import_sample(service, Path(folder))
            await service.pipeline.ingest(community.id, [Document(id="1", text="everybody knows n1ght_h3ron by now")])


asyncio.run(_warm_up())
