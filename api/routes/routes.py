"""Routes: which incidents lead to which destinations."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from alerting.holding import hold_of
from alerting.routing import is_urgent, route_incident
from api.auth import Reader, Writer, audit_entry
from api.schemas.common import Identifier, Items, ListingQuery
from api.schemas.routes import NewRoute, RouteView, RoutingAnswer, RoutingQuestion, RoutingView
from api.services import Given, Services
from core.ids import new_id
from core.listing import whole
from core.types import ApiKey, Incident, IncidentState, Route

router = APIRouter(prefix="/v1/routes", tags=["routes"])


@router.post("", status_code=201, summary="Add a route")
async def create_route(sent: NewRoute, given: Given, key: Writer) -> RouteView:
    """Adds a route. From now on, the destinations that it leads to are told of what routes lead there alone."""
    route = _route(new_id("rte"), sent, key)
    await given.store.add_route(route, audit=audit_entry(given, key, "route.created", route.id))
    return RouteView.of(route)


@router.get("", summary="List the routes")
async def list_routes(wanted: Annotated[ListingQuery, Query()], given: Given, key: Reader) -> Items[RouteView]:
    """Answers the community's routes."""
    return Items[RouteView].of(await given.store.routes(key.community_id, wanted.listing()), RouteView.of)


@router.post("/preview", summary="Ask who is told of an incident")
async def preview_routing(asked: RoutingQuestion, given: Given, key: Reader) -> RoutingAnswer:
    """Answers for every destination whether it is told of the incident, and why, and whether the notice would wait
    now. Nothing is sent."""
    incident = await _incident(asked, key.community_id, given)
    routes = await whole(partial(given.store.routes, key.community_id))
    destinations = await whole(partial(given.store.all_destinations, key.community_id))
    decided = route_incident(incident, routes, [one for one in destinations if one.opens])
    now, is_pressing = given.clock.now(), is_urgent(incident)
    views = []
    for routing in decided:
        rules = await given.store.hold_rules(key.community_id, routing.destination.id, now)
        hold = hold_of(rules, now, is_pressing=is_pressing) if routing.reason.is_told else None
        views.append(RoutingView.of(routing, hold))
    return RoutingAnswer(destinations=views)


@router.get("/{route_id}", summary="Read a route")
async def read_route(route_id: Identifier, given: Given, key: Reader) -> RouteView:
    """Answers the route."""
    return RouteView.of(await given.store.route(key.community_id, route_id))


@router.put("/{route_id}", summary="Change a route")
async def change_route(route_id: Identifier, sent: NewRoute, given: Given, key: Writer) -> RouteView:
    """Puts what is sent in place of all that was known of the route. What is planned already is told as planned."""
    route = _route(route_id, sent, key)
    await given.store.change_route(route, audit=audit_entry(given, key, "route.changed", route_id))
    return RouteView.of(route)


@router.delete("/{route_id}", status_code=204, summary="Delete a route")
async def delete_route(route_id: Identifier, given: Given, key: Writer) -> None:
    """Deletes the route. A destination that no other route leads to is told of everything again."""
    await given.store.delete_route(key.community_id, route_id, audit=audit_entry(given, key, "route.deleted", route_id))


def _route(route_id: str, sent: NewRoute, key: ApiKey) -> Route:
    return Route(
        id=route_id,
        community_id=key.community_id,
        name=sent.name,
        destination_ids=tuple(dict.fromkeys(sent.destination_ids)),
        watchlist_ids=frozenset(sent.watchlist_ids),
        classes=frozenset(sent.classes),
        languages=frozenset(sent.languages),
        minimum_severity=sent.minimum_severity,
        wait_seconds=sent.wait_seconds,
        interval_seconds=sent.interval_seconds,
        repeat_seconds=sent.repeat_seconds,
    )


async def _incident(asked: RoutingQuestion, community_id: str, services: Services) -> Incident:
    """Return the incident that is asked about, or the one that is described."""
    described = asked.described
    if described is None:
        return await services.store.incident(community_id, str(asked.incident_id))
    now = services.clock.now()
    return Incident(
        id=new_id("inc"),
        community_id=community_id,
        watchlist_id=described.watchlist_id,
        alert_class=described.alert_class,
        score=described.severity.minimum_score,
        state=IncidentState.OPEN,
        first_seen_at=now,
        last_seen_at=now,
        updated_at=now,
        languages=frozenset(described.languages),
    )
