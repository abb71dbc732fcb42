"""``leakwatch destination list``, ``enable`` and ``disable``: who is told, and whether."""

from __future__ import annotations

import sys
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.db.store import SqlStore
from core.listing import whole
from core.types import Community, Destination
from monitor.commands.setup import with_community
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.parts import Parts
from monitor.setup import audit_entry, destination_named


def destination_list(community: str | None) -> int:
    """Show the destinations, what changed longest ago first, and how they fare."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:  # noqa: ARG001
        table = Table("destination", "name", "kind", "told", "from", "state", box=None, pad_edge=False)
        for one in await whole(partial(store.all_destinations, owner.id)):
            table.add_row(one.id, Text(one.name), one.kind, one.detail, one.minimum_severity, Text(_state(one)))
        with written(sys.stdout, STANDARD_OUTPUT):
            if table.row_count:
                Console(highlight=False).print(table)
            else:
                print("There is no destination.")

    return with_community(community, work)


def destination_switch(community: str | None, name: str, *, enabled: bool) -> int:
    """Switch the destination of that name or id on or off. A running service sees it within seconds."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        destination = await destination_named(store, owner.id, name)
        action = "destination.enabled" if enabled else "destination.disabled"
        audit = audit_entry(parts.clock, owner.id, action, destination.id)
        await store.set_destination_enabled(owner.id, destination.id, enabled, audit=audit)
        print(f"{destination.id} is switched {'on' if enabled else 'off'}.")

    return with_community(community, work)


def _state(destination: Destination) -> str:
    health = destination.health
    if not destination.enabled:
        return "off" if health.disabled_because is None else f"switched off: {health.disabled_because}"
    fares_well = destination.opens and health.failing_since is None
    return "on" if fares_well else f"failing: {health.last_error}"
