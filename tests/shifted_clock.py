"""A clock that goes on as the machine's does, and can be set ahead."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic


class ShiftedClock:
    """Shows the machine's time and what it was set ahead by. ``monotonic`` is the machine's."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self._ahead = ahead
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        return monotonic()

    def advance(self, by: timedelta) -> None:
        self._ahead += by
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait_until(self, moment: datetime | None, wake: asyncio.Event) -> None:
        while not wake.is_set() and (moment is None or self.now() < moment):
            seconds = None if moment is None else (moment - self.now()).total_seconds()
            waits = [asyncio.ensure_future(event.wait()) for event in (wake, self._moved)]
            try:
                await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
        wake.clear()
