"""Follows the canaries that wait, as long as the service runs. What is due is asked of the rows, so that nothing is
forgotten when a process ends, and any number of processes may do so on one database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from alerting.canaries import follow
from core.clock import Clock
from core.errors import Conflict, LeakwatchError
from core.logs import logger
from core.ports import Store
from core.rounds import in_rounds
from core.types import CanaryState

LOOKS_EVERY = timedelta(seconds=10)


class CanaryWatch:
    """The loop over canaries that wait."""

    def __init__(self, store: Store, clock: Clock, *, planned: Callable[[], None]) -> None:
        """``planned`` is called when there is something to tell people."""
        self._store = store
        self._clock = clock
        self._planned = planned

    async def run(self) -> None:
        """Follow canaries until cancelled. What fails is tried again."""
        await in_rounds(self.look, self._clock, every=LOOKS_EVERY, failing="canaries cannot be followed")

    async def look(self) -> None:
        """Look at each canary that waits, once. One that cannot be followed holds up no other. Raises StoreError."""
        for canary in await self._store.waiting_canaries():
            try:
                followed = await follow(self._store, self._clock, canary)
            except Conflict:
                continue  # another process has ended it
            except LeakwatchError as error:
                logger().error("a canary cannot be followed", canary_id=canary.id, exc_info=error)
                continue
            log = logger().bind(canary_id=followed.id)
            if followed.state is CanaryState.ARRIVED:
                log.info("a canary has arrived")
            if followed.state is CanaryState.FAILED:
                log.warning("a canary has not arrived", broken_link=followed.broken_link)
                self._planned()
