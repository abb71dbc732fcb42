"""What the tests of the alerting room share: a clock that is set by hand, a store on disk, and alerts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core.clock import Clock
from core.db.store import SqlStore
from core.ids import new_id
from core.settings import load_settings
from core.types import (
    Alert,
    AlertClass,
    AuditEntry,
    Community,
    Destination,
    Document,
    Entity,
    EntityType,
    JsonObject,
    Match,
    Signal,
    Span,
    TermKind,
    Watchlist,
)
from tests.fresh_database import place_database

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
PSEUDONYM = "Zqxpseudonym"
PERSON = "Zqxforename Zqxsurname"


class HandClock:
    """Moves only when told to."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def advance(self, by: timedelta) -> None:
        self._now += by
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait_until(self, moment: datetime | None, wake: asyncio.Event) -> None:
        while not wake.is_set() and (moment is None or self._now < moment):
            waits = [asyncio.create_task(event.wait()) for event in (wake, self._moved)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
        wake.clear()


@asynccontextmanager
async def open_store(directory: Path, clock: Clock) -> AsyncIterator[SqlStore]:
    """Open a store on a SQLite file, which has one community and one watchlist from the first time on."""
    place_database(directory)
    store = SqlStore(load_settings(data_directory=directory), clock)
    await store.open()
    try:
        if not await store.communities():
            await store.add_community(Community(id="com_1", name="Harbor Commons"), audit=audit("com_1"))
            members = Watchlist(id="wl_1", community_id="com_1", name="Members")
            await store.add_watchlist(members, audit=audit("wl_1"))
        yield store
    finally:
        await store.close()


def audit(object_id: str) -> AuditEntry:
    """Return the entry that says that the test did something to the object."""
    return AuditEntry(
        id=new_id("aud"), community_id="com_1", actor="test", action="test", object_id=object_id, at=START
    )


def destination(settings: JsonObject, **changes: Any) -> Destination:
    """Return a destination of kind ``webhook``."""
    plain = Destination(id="dst_1", community_id="com_1", kind="webhook", name="Moderators", settings=settings)
    return replace(plain, **changes)


def alert(**changes: Any) -> Alert:
    """Return an alert about a document that holds the markers in every field."""
    text = f"{PSEUDONYM} is {PERSON}"
    plain = Alert(
        id="alt_1",
        community_id="com_1",
        watchlist_id="wl_1",
        alert_class=AlertClass.LINKAGE,
        score=88,
        signals=(
            Signal(name="pseudonym_next_to_person", points=55, text="the watched pseudonym stands 2 words before"),
        ),
        matches=tuple(
            Match(
                term_id="t1",
                kind=TermKind.PSEUDONYM,
                span=Span(name, 0, len(PSEUDONYM)),
                found=PSEUDONYM,
            )
            for name in ("title", "text", "author")
        ),
        entities=(
            Entity(
                type=EntityType.PERSON,
                span=Span("text", len(PSEUDONYM) + 4, len(text)),
                found=PERSON,
                confidence=0.9,
                recogniser="test",
            ),
        ),
        document=Document(
            id="feed:1",
            source="feed",
            external_id="1",
            text=text,
            title=f"{PSEUDONYM}, also {PERSON}",
            author=PSEUDONYM,
            url=f"https://blog.example/{PSEUDONYM.lower()}/{PERSON.replace(' ', '-').lower()}",
        ),
        raised_at=START,
        excerpt="█████ is Z███████ Z██████",
        evidence=text,
    )
    return replace(plain, **changes)
