"""What the tests of sources that ask a place over HTTP stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.http import GuardedClient
from core.ports import SourceContext
from core.settings import HttpSettings
from tests.service_fixtures import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def context(clock: ManualClock) -> AsyncIterator[SourceContext]:
    allowed = HttpSettings.model_validate({"allowed_networks": ["127.0.0.0/8"], "host_interval_seconds": 0})
    async with GuardedClient(allowed, clock) as http:
        yield SourceContext(name="Place", http=http, clock=clock)
