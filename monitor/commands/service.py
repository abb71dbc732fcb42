"""``leakwatch up`` and ``leakwatch demo``."""

from __future__ import annotations

import asyncio

from rich.console import Console

from core.logs import configure_logs
from core.settings import load_settings
from monitor.demo import run_demo
from monitor.parts import build_parts
from monitor.service import run_service
from monitor.wiring import open_service


def up() -> int:
    """Run the service on the settings' database until SIGINT or SIGTERM."""
    settings = load_settings()
    configure_logs(settings.log_level)
    console = Console(highlight=False)

    async def ready(address: str) -> None:
        console.print(f"Leakwatch is up: {address} (Ctrl-C stops it)", soft_wrap=True)

    async def work() -> None:
        async with open_service(build_parts(settings)) as service:
            if not await service.store.communities():
                console.print("Nothing is watched yet: leakwatch watchlist import FILE", soft_wrap=True)
            await run_service(service, ready=ready)

    asyncio.run(work())
    return 0


def demo() -> int:
    """Run the demo until SIGINT or SIGTERM."""
    settings = load_settings()
    configure_logs("WARNING")
    asyncio.run(run_demo(settings, Console(highlight=False)))
    return 0
