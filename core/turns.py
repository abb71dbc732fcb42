"""The queues in front of hosts: one request at a time, at a pace, and none while a host wants to be left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import AskedToWait

PATIENCE = timedelta(seconds=10)
"""A host that asks for no more than this is waited for in its queue."""
LONGEST_REST = timedelta(hours=1)
"""After this time one asks again, whatever the host said, as it may have meant the first asker alone."""
_MOST_HOSTS = 1000


@dataclass(slots=True)
class _Queue:
    """``rests`` holds until when the host wants to be left alone, by the credentials of those who were told so."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: datetime | None = None
    rests: dict[str | None, datetime] = field(default_factory=dict, repr=False)

    def is_idle(self, now: datetime) -> bool:
        """Return whether nothing would be lost if the queue were forgotten."""
        moments = [*self.rests.values(), *filter(None, [self.free_at])]
        return not self.lock.locked() and all(moment <= now for moment in moments)


class Turns:
    """Who may ask which host when. Known to this process only, and not after its end."""

    def __init__(self, clock: Clock, interval: timedelta) -> None:
        """``interval`` is the shortest time from the beginning of one turn to that of the next."""
        self._clock = clock
        self._interval = interval
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def turn(self, host: str, credentials: str | None) -> AsyncIterator[None]:
        """Wait for the turn; the block is it. Raises AskedToWait where the host told somebody with these credentials
        (None: without any) to come back later."""
        queue = self._queue(host)
        async with queue.lock:
            now = self._clock.now()
            rests_until = queue.rests.get(credentials, now)
            if rests_until > now + PATIENCE:
                raise AskedToWait(f"{host} asked to be left alone for a while", retry_after=rests_until - now)
            await self._clock.wait_until(max(rests_until, queue.free_at or now), asyncio.Event())
            queue.free_at = self._clock.now() + self._interval
            yield

    def rest(self, host: str, credentials: str | None, wait: timedelta) -> None:
        """Let nobody with these credentials ask the host for so long, an hour at most."""
        self._queue(host).rests[credentials] = self._clock.now() + min(wait, LONGEST_REST)

    def _queue(self, host: str) -> _Queue:
        if host not in self._queues and len(self._queues) >= _MOST_HOSTS:
            now = self._clock.now()
            self._queues = {name: queue for name, queue in self._queues.items() if not queue.is_idle(now)}
        return self._queues.setdefault(host, _Queue())
