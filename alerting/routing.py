"""Who is told of an incident, and why: a decision with a named reason for every destination.

A destination that no route leads to is told of everything from its own minimum severity up, one that routes lead to of
what they take, from its minimum severity up; one that is told only when a moderator is asked, of what routes lead there
alone. Nothing gets lost between the routes: where nobody would be told, everybody is. Only a route without destinations
says that nobody wants to know, and that silences nothing urgent.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from core.types import Destination, Incident, Route, Routing, RoutingReason, Severity


def is_urgent(incident: Incident) -> bool:
    """Return whether somebody must know at once, whatever the hour: it is critical, or harm is threatened."""
    return incident.severity is Severity.CRITICAL or incident.is_threat


def route_incident(
    incident: Incident, routes: Sequence[Route], destinations: Sequence[Destination]
) -> tuple[Routing, ...]:
    """Return what is decided about each of the destinations, in their order. ``routes`` are all of the community's."""
    taking = tuple(route for route in routes if route.takes(incident))
    rules = _Rules(
        taking=taking,
        unwanting=() if is_urgent(incident) else tuple(route for route in taking if not route.destination_ids),
        led_to={destination_id for route in routes for destination_id in route.destination_ids},
    )
    decided = tuple(rules.decide(incident, destination) for destination in destinations)
    if any(routing.reason.is_told for routing in decided):
        return decided
    return tuple(
        replace(routing, reason=RoutingReason.NOBODY_ELSE)
        if routing.reason in (RoutingReason.TAKEN_BY_NO_ROUTE, RoutingReason.ONLY_WHEN_ASKED)
        else routing
        for routing in decided
    )


@dataclass(frozen=True)
class _Rules:
    """The routes that take an incident, those of them that lead nowhere, and where any route leads at all."""

    taking: tuple[Route, ...]
    unwanting: tuple[Route, ...]
    led_to: Set[str]

    def decide(self, incident: Incident, destination: Destination) -> Routing:
        """Return what is decided about the destination as if it was the only one."""
        leading = tuple(route for route in self.taking if destination.id in route.destination_ids)
        if not destination.enabled:
            return Routing(destination=destination, reason=RoutingReason.SWITCHED_OFF)
        if incident.score < destination.minimum_severity.minimum_score:
            return Routing(destination=destination, reason=RoutingReason.BELOW_MINIMUM_SEVERITY)
        if leading:
            return Routing(destination=destination, reason=RoutingReason.BY_ROUTE, routes=leading)
        if self.unwanting:
            return Routing(destination=destination, reason=RoutingReason.UNWANTED, routes=self.unwanting)
        if destination.only_when_asked:
            return Routing(destination=destination, reason=RoutingReason.ONLY_WHEN_ASKED)
        if destination.id in self.led_to:
            return Routing(destination=destination, reason=RoutingReason.TAKEN_BY_NO_ROUTE)
        return Routing(destination=destination, reason=RoutingReason.WITHOUT_ROUTES)
