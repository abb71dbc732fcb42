"""Runs a service in one process: the API, the scheduler, the delivery, the escalation and the pruning, until a signal
comes."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import uvicorn

from core.clock import Clock
from core.errors import SettingsError, StoreError
from core.logs import logger
from core.ports import Store
from core.settings import ApiSettings
from monitor.wiring import Service

PRUNE_INTERVAL = timedelta(hours=1)
SHUTDOWN_SECONDS = 5
"""How long requests under way may take to end once a signal came: one that never ends must not hold it up."""

THREADS = 64
"""Looking up names and talking with mail servers waits in threads, for as long as the other side likes. There must be
some left for matching, on a machine with few processors, too."""


async def run_service(service: Service, *, ready: Callable[[str], Coroutine[None, None, None]]) -> None:
    """Run all jobs until SIGINT or SIGTERM, then end them in order. ``ready`` is called with the address of
    the API once it answers. Raises SettingsError when the address cannot be listened on."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="work"))
    listening = _listen(service.parts.settings.api)
    server = uvicorn.Server(
        uvicorn.Config(
            service.app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )

    def stop() -> None:
        server.should_exit = True

    # uvicorn raises the signal again when it has stopped, and by itself that would end the process on the spot.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    host, port = listening.getsockname()[:2]
    async with asyncio.TaskGroup() as group:
        jobs = [
            group.create_task(service.scheduler.run()),
            group.create_task(service.dispatcher.run()),
            group.create_task(service.escalator.run()),
            group.create_task(service.digests.run()),
            group.create_task(service.snoozes.run()),
            group.create_task(service.canaries.run()),
            group.create_task(_prune(service.store, service.parts.clock)),
            group.create_task(ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")),
        ]
        try:
            await server.serve(sockets=[listening])
        finally:
            for job in jobs:
                job.cancel()


def _listen(settings: ApiSettings) -> socket.socket:
    try:
        return socket.create_server(
            (settings.host, settings.port), family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        )
    except OSError as error:
        raise SettingsError(
            f"the API cannot listen on {settings.host} port {settings.port} ({error.strerror}); "
            "choose another with LEAKWATCH_API__PORT"
        ) from None


async def _prune(store: Store, clock: Clock) -> None:
    never = asyncio.Event()
    while True:
        try:
            rows = await store.prune(clock.now())
            if rows:
                logger().info("expired rows were forgotten", rows=rows)
        except StoreError as error:
            logger().error("expired rows cannot be forgotten", exc_info=error)
        await clock.wait_until(clock.now() + PRUNE_INTERVAL, never)
