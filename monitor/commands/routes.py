"""``leakwatch route add``, ``list``, ``delete`` and ``explain``: who is told of what, and why."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerting.routing import route_incident
from core.db.store import SqlStore
from core.errors import UsageError
from core.ids import new_id
from core.listing import whole
from core.types import AlertClass, Community, Route, Severity
from monitor.commands.setup import with_community
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.parts import Parts
from monitor.setup import audit_entry, destination_named, watchlist_named

_LANGUAGE = re.compile("[a-z]{2,3}")


@dataclass(frozen=True)
class Wanted:
    """What a route takes and where it leads, by names or ids, and how it tells; what is empty takes all."""

    destinations: Sequence[str]
    watchlists: Sequence[str]
    classes: Sequence[AlertClass]
    languages: Sequence[str]
    minimum_severity: Severity
    wait_seconds: int = 0
    interval_seconds: int = 0
    repeat_seconds: int | None = None


def route_add(community: str | None, name: str, wanted: Wanted) -> int:
    """Save a route."""
    if not all(map(_LANGUAGE.fullmatch, wanted.languages)):
        raise UsageError("a language is its code of ISO 639, in small letters: es, uk, yue")

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        destinations = [await destination_named(store, owner.id, each) for each in wanted.destinations]
        watchlists = [await watchlist_named(store, owner.id, each) for each in wanted.watchlists]
        route = Route(
            id=new_id("rte"),
            community_id=owner.id,
            name=name,
            destination_ids=tuple(dict.fromkeys(destination.id for destination in destinations)),
            watchlist_ids=frozenset(watchlist.id for watchlist in watchlists),
            classes=frozenset(wanted.classes),
            languages=frozenset(wanted.languages),
            minimum_severity=wanted.minimum_severity,
            wait_seconds=wanted.wait_seconds,
            interval_seconds=wanted.interval_seconds,
            repeat_seconds=wanted.repeat_seconds,
        )
        await store.add_route(route, audit=audit_entry(parts.clock, owner.id, "route.created", route.id))
        print(f"{route.id} is saved.")

    return with_community(community, work)


def route_list(community: str | None) -> int:
    """Show the routes, the oldest first."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:  # noqa: ARG001
        routes = await whole(partial(store.routes, owner.id))
        if not routes:
            print("There is no route: every destination is told of everything from its minimum severity up.")
            return
        destinations = {each.id: each.name for each in await whole(partial(store.all_destinations, owner.id))}
        watchlists = {each.id: each.name for each in await whole(partial(store.watchlists, owner.id))}
        heads = ("route", "name", "watchlists", "classes", "languages", "from severity", "leads to")
        table = Table(*heads, "wait", "interval", "repeat", box=None, pad_edge=False)
        for route in routes:
            table.add_row(
                route.id,
                Text(route.name),
                Text(_named(route.watchlist_ids, watchlists) or "all"),
                ", ".join(sorted(route.classes)) or "all",
                ", ".join(sorted(route.languages)) or "all",
                route.minimum_severity,
                Text(_named(route.destination_ids, destinations) or "nowhere"),
                f"{route.wait_seconds} s",
                f"{route.interval_seconds} s",
                "never" if route.repeat_seconds is None else f"{route.repeat_seconds} s",
            )
        with written(sys.stdout, STANDARD_OUTPUT):
            Console(highlight=False).print(table)

    return with_community(community, work)


def route_delete(community: str | None, route_id: str) -> int:
    """Delete the route."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        await store.delete_route(
            owner.id, route_id, audit=audit_entry(parts.clock, owner.id, "route.deleted", route_id)
        )
        print(f"{route_id} is deleted.")

    return with_community(community, work)


def route_explain(community: str | None, incident_id: str) -> int:
    """Show for every destination whether it is told of the incident, and why."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:  # noqa: ARG001
        incident = await store.incident(owner.id, incident_id)
        routes = await whole(partial(store.routes, owner.id))
        destinations = [one for one in await whole(partial(store.all_destinations, owner.id)) if one.opens]
        table = Table("destination", "name", "told", "why", "routes", box=None, pad_edge=False)
        for routing in route_incident(incident, routes, destinations):
            table.add_row(
                routing.destination.id,
                Text(routing.destination.name),
                "yes" if routing.reason.is_told else "no",
                routing.reason.replace("_", " "),
                Text(", ".join(route.name for route in routing.routes)),
            )
        with written(sys.stdout, STANDARD_OUTPUT):
            Console(highlight=False).print(table)

    return with_community(community, work)


def _named(ids: Collection[str], names: Mapping[str, str]) -> str:
    return ", ".join(names.get(each, each) for each in sorted(ids))
