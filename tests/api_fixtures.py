"""The real service on a fresh SQLite file, two communities, and somebody of each who asks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
import uvicorn

from core.settings import ApiSettings, Settings
from core.types import Community, Scope
from monitor.parts import Parts, build_parts
from monitor.wiring import open_service
from tests.api_service import MAXIMUM_BODY_BYTES, Api, SetClock
from tests.fresh_database import place_database


@pytest.fixture(scope="session")
def parts() -> Parts:
    return build_parts(Settings())


@pytest.fixture
async def api(parts: Parts, tmp_path: Path) -> AsyncIterator[Api]:
    place_database(tmp_path)
    clock = SetClock()
    settings = Settings(data_directory=tmp_path, api=ApiSettings(max_body_bytes=MAXIMUM_BODY_BYTES))
    async with (
        open_service(replace(parts, settings=settings, clock=clock)) as service,
        AsyncExitStack() as clients,
    ):
        yield Api(service, clock, clients)


@pytest.fixture
async def harbor(api: Api) -> Community:
    return await api.community("Harbor Commons")


@pytest.fixture
async def meadow(api: Api) -> Community:
    return await api.community("Meadow Circle")


@pytest.fixture
async def admin(api: Api, harbor: Community) -> httpx2.AsyncClient:
    return await api.member(harbor, Scope.ADMIN)


@pytest.fixture
async def stranger(api: Api, meadow: Community) -> httpx2.AsyncClient:
    """An admin of another community, who may operate the deployment too."""
    return await api.member(meadow, Scope.ADMIN, Scope.OPERATE)


@pytest.fixture
async def address(api: Api) -> AsyncIterator[str]:
    """Where the API answers from a real server."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(api.service.app, log_config=None, access_log=False, server_header=False, lifespan="off")
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving
