"""A service that people reach at a public address, with a community."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from core.settings import HttpSettings, Settings
from core.types import Scope
from monitor.parts import Parts
from monitor.wiring import open_service
from tests.api_service import Api, SetClock
from tests.fresh_database import place_database
from tests.public_service import PUBLIC_URL, Reached


@pytest.fixture
async def reached(parts: Parts, tmp_path: Path, httpserver: HTTPServer) -> AsyncIterator[Reached]:
    place_database(tmp_path)
    clock = SetClock()
    settings = Settings(
        data_directory=tmp_path,
        public_url=PUBLIC_URL,
        http=HttpSettings(allowed_networks=(IPv4Network("127.0.0.0/8"),), host_interval_seconds=0),
    )
    async with (
        open_service(replace(parts, settings=settings, clock=clock)) as service,
        AsyncExitStack() as clients,
    ):
        api = Api(service, clock, clients)
        community = await api.community("Harbor Commons")
        admin = await api.member(community, Scope.ADMIN)
        watchlist = (await admin.post("/v1/watchlists", json={"name": "Members"})).json()["id"]
        yield Reached(api, community, admin, await api.client(), httpserver, watchlist)
