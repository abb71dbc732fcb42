"""Ways to ask a service over its routes, and to check what it answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from alerting.incidents import raise_alert
from core.ids import new_id
from core.types import (
    Alert,
    AlertClass,
    Community,
    Document,
    Entity,
    EntityType,
    Match,
    Scope,
    Signal,
    Span,
    TermKind,
)
from monitor.setup import audit_entry, create_key
from monitor.wiring import Service

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
MAXIMUM_BODY_BYTES = 100_000


@dataclass
class SetClock:
    """A clock that stands still until it is set."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    async def wait_until(self, moment: datetime | None, wake: asyncio.Event) -> None:
        await wake.wait()
        wake.clear()


@dataclass
class Api:
    """The service, and ways to become somebody who asks it."""

    service: Service
    clock: SetClock
    _open: AsyncExitStack

    async def client(self, token: str | None = None) -> httpx2.AsyncClient:
        """Return a client that sends the token."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        transport = httpx2.ASGITransport(self.service.app)
        return await self._open.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url="http://leakwatch.example", headers=headers)
        )

    async def community(self, name: str) -> Community:
        """Set up a community."""
        community = Community(id=new_id("com"), name=name)
        entry = audit_entry(self.clock, community.id, "community.created", community.id)
        await self.service.store.add_community(community, audit=entry)
        return community

    async def member(self, community: Community, *scopes: Scope) -> httpx2.AsyncClient:
        """Return a client with a fresh key of the community, with these scopes."""
        token = await create_key(
            self.service.store, self.clock, community.id, name="Sam's key", scopes=frozenset(scopes)
        )
        return await self.client(token)

    async def alert(
        self, community: Community, watchlist_id: str, *, number: int = 1, score: int = 88, **changes: Any
    ) -> Alert:
        """Raise an alert as the pipeline does, about a document of its own."""
        text = f"so night_heron is really Maria Gonzalez ({number})"
        alert = Alert(
            id=new_id("alt"),
            community_id=community.id,
            watchlist_id=watchlist_id,
            alert_class=AlertClass.LINKAGE,
            score=score,
            signals=(Signal(name="pseudonym_next_to_person", points=40, text="a name stands next to it"),),
            matches=(
                Match(
                    term_id="trm_1",
                    kind=TermKind.PSEUDONYM,
                    span=Span("text", 3, 14),
                    found="night_heron",
                ),
            ),
            entities=(
                Entity(
                    type=EntityType.PERSON,
                    span=Span("text", 25, 39),
                    found="Maria Gonzalez",
                    confidence=0.9,
                    recogniser="names",
                ),
            ),
            document=Document(
                id=f"forum:{number}",
                text=text,
                source="forum",
                external_id=f"post-{number}-maria",
                url=f"https://forum.example/{number}/night_heron",
                author="stranger",
                title="about Maria Gonzalez",
                fetched_at=self.clock.now(),
            ),
            raised_at=self.clock.now(),
            excerpt="so █████ is really M████ G███████",
            evidence=text,
        )
        alert = replace(alert, **changes)
        async with self.service.store.transaction() as transaction:
            incident = await raise_alert(transaction, alert, at=self.clock.now())
        return replace(alert, incident_id=incident.id)

    def forward(self, **amount: float) -> None:
        """Set the clock forward."""
        self.clock.at += timedelta(**amount)


async def all_items(client: httpx2.AsyncClient, path: str, *, limit: int, **query: str) -> list[dict[str, Any]]:
    """Return a whole listing, read part by part."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        wanted = {**query, "limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        answer = await client.get(path, params=wanted)
        assert answer.status_code == 200, answer.text
        part = answer.json()
        assert len(part["items"]) <= limit
        items += part["items"]
        cursor = part["next_cursor"]
        if cursor is None:
            return items


def assert_problem(answer: httpx2.Response, status: int, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """Check that the answer is problem details of this status that quotes none of the texts; return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    for text in without:
        assert text not in answer.text
    return problem


async def audited(client: httpx2.AsyncClient) -> Counter[tuple[str, str]]:
    """Return how often which action was done to which object by a key, as the audit log has it."""
    entries = await all_items(client, "/v1/audit", limit=200)
    return Counter((entry["action"], entry["object_id"]) for entry in entries if entry["actor"].startswith("key_"))
