"""Work that is done again and again as long as the service runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NoReturn

from core.clock import Clock
from core.errors import LeakwatchError
from core.logs import logger


async def in_rounds(work: Callable[[], Awaitable[object]], clock: Clock, *, every: timedelta, failing: str) -> NoReturn:
    """Do the work so often until cancelled. A round that fails is logged as ``failing`` and ends nothing: the
    next one tries again. Raises whatever is no LeakwatchError."""
    never = asyncio.Event()
    while True:
        try:
            await work()
        except LeakwatchError as error:
            logger().error(failing, exc_info=error)
        await clock.wait_until(clock.now() + every, never)
