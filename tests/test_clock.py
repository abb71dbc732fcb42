"""The clock waits for a moment or for a call, whichever comes first."""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta

from core.clock import SystemClock


async def test_waiting_ends_when_the_moment_has_come() -> None:
    clock, wake = SystemClock(), asyncio.Event()
    moment = clock.now() + timedelta(milliseconds=20)
    await clock.wait_until(moment, wake)
    assert clock.now() >= moment


async def test_waiting_ends_at_once_when_called_and_the_call_is_used_up() -> None:
    clock, wake = SystemClock(), asyncio.Event()
    wake.set()
    async with asyncio.timeout(5):
        await clock.wait_until(None, wake)
    assert not wake.is_set()


def test_the_time_is_aware_and_universal() -> None:
    assert SystemClock().now().tzinfo is UTC
