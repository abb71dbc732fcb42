"""Routes."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col

from core.crypto import CommunityKeys
from core.db.database import Database, Unit
from core.db.journal import add_entry
from core.db.listing import slice_of
from core.db.sealing import seal, unseal
from core.db.tables import DestinationRow, RouteRow, WatchlistRow
from core.ports import Listing, Slice
from core.types import AlertClass, AuditEntry, Route, Severity


class Routes(Database):
    """The part of the store about which incidents lead where."""

    async def add_route(self, route: Route, *, audit: AuditEntry) -> None:
        """Keep the route. Raises NotFound for its community, and for a destination or watchlist that it names."""
        async with self.writing() as unit:
            sealed = await _sealed(unit, route)
            unit.session.add(
                RouteRow(id=route.id, community_id=route.community_id, sealed=sealed, updated_at=self._clock.now())
            )
            await add_entry(unit, audit)

    async def change_route(self, route: Route, *, audit: AuditEntry) -> None:
        """Keep the route in place of what was kept under its id. Raises NotFound for it, and as :meth:`add_route`."""
        async with self.writing() as unit:
            row = await unit.one(RouteRow, route.community_id, route.id, to_change=True)
            row.sealed = await _sealed(unit, route)
            row.updated_at = self._clock.now()
            await add_entry(unit, audit)

    async def routes(self, community_id: str, listing: Listing) -> Slice[Route]:
        """Return the wanted slice, the one that changed longest ago first. Raises NotFound."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(RouteRow).where(col(RouteRow.community_id) == community_id)
            return await slice_of(
                unit.session, statement, RouteRow, "updated_at", listing, lambda row: _route_of(keys, row)
            )

    async def route(self, community_id: str, route_id: str) -> Route:
        """Return the route. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(RouteRow, community_id, route_id)
            return _route_of(await unit.keys(community_id), row)

    async def delete_route(self, community_id: str, route_id: str, *, audit: AuditEntry) -> None:
        """Delete the route. Raises NotFound."""
        async with self.writing() as unit:
            await unit.session.delete(await unit.one(RouteRow, community_id, route_id))
            await add_entry(unit, audit)


async def routes(unit: Unit, community_id: str) -> tuple[Route, ...]:
    """Return the routes of the community, in order of their ids, read once a unit. Raises NotFound for it."""
    if community_id in unit.routes:
        return unit.routes[community_id]
    keys = await unit.keys(community_id)
    rows = await unit.session.scalars(
        select(RouteRow).where(col(RouteRow.community_id) == community_id).order_by(col(RouteRow.id))
    )
    unit.routes[community_id] = tuple(_route_of(keys, row) for row in rows)
    return unit.routes[community_id]


async def _sealed(unit: Unit, route: Route) -> bytes:
    """Return what is sealed of the route. Raises NotFound for a destination or watchlist that it names."""
    for destination_id in route.destination_ids:
        # Kept from being deleted meanwhile: a route must not lead to what is not there.
        await unit.one(DestinationRow, route.community_id, destination_id, to_change=True)
    for watchlist_id in route.watchlist_ids:
        await unit.one(WatchlistRow, route.community_id, watchlist_id)
    content = {
        "name": route.name,
        "destination_ids": route.destination_ids,
        "watchlist_ids": sorted(route.watchlist_ids),
        "classes": sorted(route.classes),
        "languages": sorted(route.languages),
        "minimum_severity": route.minimum_severity,
        "wait_seconds": route.wait_seconds,
        "interval_seconds": route.interval_seconds,
        "repeat_seconds": route.repeat_seconds,
    }
    return seal(await unit.keys(route.community_id), RouteRow, route.id, content)


def _route_of(keys: CommunityKeys, row: RouteRow) -> Route:
    content = unseal(keys, RouteRow, row.id, row.sealed)
    return Route(
        id=row.id,
        community_id=row.community_id,
        name=content["name"],
        destination_ids=tuple(content["destination_ids"]),
        watchlist_ids=frozenset(content["watchlist_ids"]),
        classes=frozenset(map(AlertClass, content["classes"])),
        languages=frozenset(content["languages"]),
        minimum_severity=Severity(content["minimum_severity"]),
        wait_seconds=content.get("wait_seconds", 0),  # rows of before there were groups have none
        interval_seconds=content.get("interval_seconds", 0),
        repeat_seconds=content.get("repeat_seconds"),
    )
