"""The only reader of the time, and the only place that waits for it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the rooms know of the time."""

    def now(self) -> datetime:
        """Return the present moment, aware UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go backwards, for measuring durations."""

    async def wait_until(self, moment: datetime | None, wake: asyncio.Event) -> None:
        """Return when ``moment`` has come or ``wake`` is set, whichever is first, and clear ``wake``.

        With ``moment`` None only ``wake`` ends the wait.
        """


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def wait_until(self, moment: datetime | None, wake: asyncio.Event) -> None:
        timeout_seconds = None if moment is None else max(0.0, (moment - self.now()).total_seconds())
        try:
            async with asyncio.timeout(timeout_seconds):
                await wake.wait()
        except TimeoutError:
            pass
        wake.clear()
