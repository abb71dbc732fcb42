"""``leakwatch canary plant`` and ``list``: does what a source holds arrive?"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerting.canaries import handed_in, planting, sentence
from core.db.store import SqlStore
from core.listing import whole
from core.settings import load_settings
from core.types import Canary, Community
from monitor.commands.setup import with_community
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.parts import Parts, build_parts
from monitor.setup import audit_entry, community_named, destination_named, source_named
from monitor.wiring import open_service


def canary_plant(
    community: str | None, source: str | None, destination: str, *, within_minutes: int, search_externally: bool
) -> int:
    """Have an invented phrase watched, and say where it is to be posted; without a source, hand it in."""
    return asyncio.run(_plant(community, source, destination, timedelta(minutes=within_minutes), search_externally))


async def _plant(
    community: str | None, source: str | None, destination: str, wait: timedelta, search_externally: bool
) -> int:
    async with open_service(build_parts(load_settings())) as service:
        store, clock = service.store, service.parts.clock
        owner = await community_named(store, community)
        goal = await destination_named(store, owner.id, destination)
        place = None if source is None else await source_named(store, owner.id, source)
        planted = planting(
            owner.id,
            None if place is None else place.id,
            goal.id,
            at=clock.now(),
            wait=wait,
            search_externally=search_externally,
        )
        canary = planted.canary
        audit = audit_entry(clock, owner.id, "canary.planted", canary.id)
        await store.add_canary(canary, planted.watchlist, planted.term, audit=audit)
        if place is None:
            await service.pipeline.ingest(owner.id, [handed_in(canary)])
    until = f"by {canary.due_at:%Y-%m-%d %H:%M} UTC, while the service runs"
    if place is None:
        print(f"{canary.id} was handed in and must arrive at {goal.name} {until}.")
    else:
        print(f"Post this where {place.name} reads; it must arrive at {goal.name} {until}:\n\n    {sentence(canary)}\n")
    print("leakwatch canary list shows how far it has come.")
    return 0


def canary_list(community: str | None) -> int:
    """Show the canaries, the one that changed longest ago first."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:  # noqa: ARG001
        canaries = await whole(partial(store.canaries, owner.id))
        if not canaries:
            print("No canary was planted.")
            return
        sources = {each.id: each.name for each in await whole(partial(store.sources, owner.id))}
        destinations = {each.id: each.name for each in await whole(partial(store.all_destinations, owner.id))}
        table = Table("canary", "source", "destination", "planted", "state", "", box=None, pad_edge=False)
        for canary in canaries:
            table.add_row(
                canary.id,
                Text("handed in" if canary.source_id is None else sources.get(canary.source_id, "deleted")),
                Text(destinations.get(canary.destination_id, "deleted")),
                f"{canary.planted_at:%Y-%m-%d %H:%M} UTC",
                canary.state,
                Text(story(canary)),
            )
        with written(sys.stdout, STANDARD_OUTPUT):
            Console(highlight=False).print(table)

    return with_community(community, work)


def story(canary: Canary) -> str:
    """Return how far the canary has come: how long each link took, or why one broke."""
    if canary.reason is not None:
        return canary.reason
    return ", ".join(f"{link} after {took.total_seconds():.1f} s" for link, took in canary.latencies.items())
