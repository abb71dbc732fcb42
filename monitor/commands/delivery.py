"""``leakwatch delivery list`` and ``replay``, ``leakwatch destination test``: what arrives, and what did not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerting.planning import outcome_of, plan_test
from core.db.store import SqlStore
from core.errors import Conflict, NotFound
from core.settings import load_settings
from core.types import Community, DeliveryState
from monitor.commands.setup import with_community
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.listing import whole
from monitor.parts import Parts, build_parts
from monitor.setup import audit_entry, community_named
from monitor.wiring import open_service


def delivery_list(community: str | None, state: DeliveryState) -> int:
    """Show the deliveries in the state, what changed longest ago first."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:  # noqa: ARG001
        destinations = await whole(partial(store.all_destinations, owner.id))
        names = {destination.id: destination.name for destination in destinations}
        deliveries = await whole(partial(store.deliveries, owner.id, state=state))
        if not deliveries:
            print(f"No delivery is {state}.")
            return
        table = Table("delivery", "destination", "tells", "planned", "tries", "last error", box=None, pad_edge=False)
        for delivery in deliveries:
            table.add_row(
                delivery.id,
                Text(names.get(delivery.destination_id, "")),
                delivery.event,
                f"{delivery.created_at:%Y-%m-%d %H:%M} UTC",
                str(delivery.attempts),
                Text(delivery.last_error or ""),
            )
        with written(sys.stdout, STANDARD_OUTPUT):
            Console(highlight=False).print(table)

    return with_community(community, work)


def delivery_replay(community: str | None, delivery_ids: Sequence[str]) -> int:
    """Have the deliveries that were given up tried again, all of the community's where none is named; return 1 where
    one of them cannot be."""
    failed = 0

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        nonlocal failed
        dead = await whole(partial(store.deliveries, owner.id, state=DeliveryState.DEAD))
        wanted = delivery_ids or [delivery.id for delivery in dead]
        for delivery_id in wanted:
            entry = audit_entry(parts.clock, owner.id, "delivery.replayed", delivery_id)
            try:
                await store.replay_delivery(owner.id, delivery_id, parts.clock.now(), audit=entry)
            except (Conflict, NotFound) as error:
                failed += 1
                print(f"leakwatch: {delivery_id}: {error}", file=sys.stderr)
        print(f"{len(wanted) - failed} of {len(wanted)} deliveries are tried again by the running service.")

    with_community(community, work)
    return int(failed > 0)


def destination_test(community: str | None, name: str) -> int:
    """Send a sample to the destination of that name or id, and say what came of it; return 1 where that is nothing."""
    return asyncio.run(_test(community, name))


async def _test(community: str | None, name: str) -> int:
    async with open_service(build_parts(load_settings())) as service:
        store, clock = service.store, service.parts.clock
        owner = await community_named(store, community)
        named = [
            destination
            for destination in await whole(partial(store.all_destinations, owner.id))
            if name in (destination.id, destination.name)
        ]
        if len(named) != 1:
            raise NotFound(
                "several destinations have this name: give the id, which GET /v1/destinations lists"
                if named
                else "there is no destination of this name: look at the names with leakwatch doctor"
            )
        async with store.transaction() as transaction:
            planned = await plan_test(transaction, named[0], clock.now())
            await transaction.record(audit_entry(clock, owner.id, "destination.tested", named[0].id))
        # Delivered here, unless a running service is quicker.
        dispatcher = asyncio.create_task(service.dispatcher.run())
        delivery = await outcome_of(store, clock, planned)
        dispatcher.cancel()
        await asyncio.wait([dispatcher])
    if delivery.state is DeliveryState.DELIVERED:
        print(f"The sample has arrived ({delivery.id}).")
        return 0
    why = delivery.last_error or "it waits behind what could not be delivered before; see leakwatch doctor"
    print(f"The sample has not arrived ({delivery.id}): {why}.")
    return 1
