"""A service that delivers, for the tests of delivery."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.alerting_fixtures import HandClock
from tests.delivery_service import Service, service_at


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with service_at(tmp_path, HandClock()) as service:
        yield service
