"""``leakwatch delivery list`` and ``replay``, ``leakwatch destination test`` and ``digest``: what arrives, and what did
not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerting.digests import next_digest_at, preview, set_digest
from alerting.messages import PLAIN_TEXT, message
from alerting.planning import outcome_of, plan_test
from core.db.store import SqlStore
from core.errors import Conflict, NotFound
from core.listing import whole
from core.settings import load_settings
from core.types import Community, DeliveryState, DigestSchedule
from monitor.commands.setup import with_community
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.parts import Parts, build_parts
from monitor.setup import audit_entry, community_named, destination_named
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
        destination = await destination_named(store, owner.id, name)
        async with store.transaction() as transaction:
            planned = await plan_test(transaction, destination, clock.now())
            await transaction.record(audit_entry(clock, owner.id, "destination.tested", destination.id))
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


def digest_set(community: str | None, name: str, schedule: DigestSchedule | None) -> int:
    """Have the destination of that name or id sent digests by the schedule, or none."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        destination = await destination_named(store, owner.id, name)
        action = "destination.digest_ended" if schedule is None else "destination.digest_set"
        now = parts.clock.now()
        async with store.transaction() as transaction:
            await set_digest(transaction, owner.id, destination.id, schedule, at=now)
            await transaction.record(audit_entry(parts.clock, owner.id, action, destination.id))
        if schedule is None:
            print("The destination is told of every incident at once.")
        else:
            print(f"The next digest is sent at {next_digest_at(schedule, now):%Y-%m-%d %H:%M} UTC.")

    return with_community(community, work)


def digest_preview(community: str | None, name: str) -> int:
    """Show what the next digest of the destination of that name or id would tell now."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        notice = await preview(store, await destination_named(store, owner.id, name), parts.clock.now())
        with written(sys.stdout, STANDARD_OUTPUT):
            print(PLAIN_TEXT.text(message(notice)))

    return with_community(community, work)
