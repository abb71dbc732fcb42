"""What a running service examines with: it follows what is watched, and hardly keeps a page waiting for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from core.clock import Clock
from core.ports import REMOVALS_TOLD_FOR, Store
from core.types import Catalogue
from monitor.pipeline import Examiner

PATIENCE_SECONDS = 1.0
"""How long pages wait for terms to be compiled, from when the first of them noticed that some were added."""


class Follower:
    """Keeps an examiner that follows the catalogue.

    A page sees what was committed before it began: terms that are gone or have ended are left out at once, and it
    waits for those that were added to be compiled. Where these are so many that this takes longer than the
    patience, pages go on without them until they are ready. Only the first page waits for the whole catalogue.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        examiner_for: Callable[[Catalogue], Examiner],
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """``examiner_for`` compiles a whole catalogue."""
        self._store = store
        self._clock = clock
        self._examiner_for = examiner_for
        self._patience_seconds = patience_seconds
        self._examiner = examiner_for(Catalogue())
        self._up_to_date_at: datetime | None = None
        self._behind_since: float | None = None
        self._starting = asyncio.Lock()
        self._replacing = asyncio.Lock()
        self._catching_up: asyncio.Task[None] | None = None
        self._merging: asyncio.Task[None] | None = None

    async def examiner(self) -> Examiner:
        """Return the examiner for a page that begins now. Raises StoreError."""
        now = self._clock.now()
        await self._start(now)
        held = self._examiner.index.revision
        revision = await self._store.catalogue_revision()
        gone = frozenset[str]()
        if held < revision:
            gone = await self._store.removed_terms(held)
            await self._catch_up_with(revision)
        if self._examiner.index.revision >= revision:
            self._up_to_date_at, self._behind_since = now, None
        if gone := gone | self._examiner.index.ended(now):
            self._examiner = self._examiner.without(gone)
        return self._examiner

    async def close(self) -> None:
        """Give up what is being compiled."""
        tasks = [task for task in (self._catching_up, self._merging) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _start(self, now: datetime) -> None:
        """Compile the whole catalogue where that was never done, or so long ago that removals are told no more."""
        async with self._starting:
            if self._up_to_date_at is None or now - self._up_to_date_at >= REMOVALS_TOLD_FOR:
                catalogue = await self._store.catalogue(now)
                self._examiner = await asyncio.to_thread(self._examiner_for, catalogue)
                self._up_to_date_at = now

    async def _catch_up_with(self, revision: int) -> None:
        """Return when the examiner has reached the revision, or the patience is at its end."""
        if self._behind_since is None:
            self._behind_since = self._clock.monotonic()
        until = self._behind_since + self._patience_seconds
        while self._examiner.index.revision < revision:
            if self._catching_up is None or self._catching_up.done():
                self._catching_up = asyncio.create_task(self._catch_up())
            task = self._catching_up
            await asyncio.wait({task}, timeout=max(0.0, until - self._clock.monotonic()))
            if not task.done():
                return
            task.result()

    async def _catch_up(self) -> None:
        change = await self._store.catalogue_change(self._examiner.index.revision)
        async with self._replacing:
            # Terms that end meanwhile come back with this one, until the next page leaves them out again.
            self._examiner = await asyncio.to_thread(self._examiner.following, change)
        if self._merging is None or self._merging.done():
            self._merging = asyncio.create_task(self._merge())

    async def _merge(self) -> None:
        while merge := self._examiner.index.due_merge():
            segment = await asyncio.to_thread(self._examiner.index.merge, merge)
            async with self._replacing:
                self._examiner = replace(self._examiner, index=self._examiner.index.merged(merge, segment))
