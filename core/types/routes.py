"""Which incidents lead to which destinations."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from core.types.deliveries import Destination
from core.types.findings import AlertClass, Severity
from core.types.incidents import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Leads incidents to destinations. It takes those of these watchlists, classes and languages (as
    :attr:`Document.primary_language`), an empty set taking all, from ``minimum_severity`` up. Without destinations,
    nobody wants to know of what it takes.

    The first of several notices waits ``wait_seconds`` for others, and between two of them lie ``interval_seconds``.
    What nobody acknowledges is told again after ``repeat_seconds``, None: never."""

    id: str
    community_id: str
    name: str = field(repr=False)
    destination_ids: tuple[str, ...] = ()
    watchlist_ids: frozenset[str] = frozenset()
    classes: frozenset[AlertClass] = frozenset()
    languages: frozenset[str] = field(default=frozenset(), repr=False)
    minimum_severity: Severity = Severity.INFO
    wait_seconds: int = 0
    interval_seconds: int = 0
    repeat_seconds: int | None = None

    @property
    def is_grouping(self) -> bool:
        """Whether what it leads to a destination may be told together."""
        return self.wait_seconds > 0 or self.interval_seconds > 0

    def takes(self, incident: Incident) -> bool:
        """Whether the incident is one that it leads."""
        return (
            (not self.watchlist_ids or incident.watchlist_id in self.watchlist_ids)
            and (not self.classes or self._takes_class(incident))
            and (not self.languages or not self.languages.isdisjoint(incident.languages))
            and incident.score >= self.minimum_severity.minimum_score
        )

    def _takes_class(self, incident: Incident) -> bool:
        return incident.alert_class in self.classes or (incident.is_threat and AlertClass.THREAT in self.classes)


class RoutingReason(StrEnum):
    """Why a destination is told of an incident, or is not."""

    BY_ROUTE = "by_route"
    WITHOUT_ROUTES = "without_routes"
    NOBODY_ELSE = "nobody_else"
    SWITCHED_OFF = "switched_off"
    BELOW_MINIMUM_SEVERITY = "below_minimum_severity"
    TAKEN_BY_NO_ROUTE = "taken_by_no_route"
    UNWANTED = "unwanted"
    ONLY_WHEN_ASKED = "only_when_asked"

    @property
    def is_told(self) -> bool:
        """Whether it is a reason to tell."""
        return self in (RoutingReason.BY_ROUTE, RoutingReason.WITHOUT_ROUTES, RoutingReason.NOBODY_ELSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """What was decided about telling a destination of an incident; ``routes`` are those that decided it."""

    destination: Destination
    reason: RoutingReason
    routes: tuple[Route, ...] = ()

    @property
    def group(self) -> Route | None:
        """The route in whose group the destination is told: the one that waits least. None where one of the routes that
        lead there tells at once."""
        if self.reason is not RoutingReason.BY_ROUTE or not all(route.is_grouping for route in self.routes):
            return None
        return min(self.routes, key=lambda route: (route.wait_seconds, route.id))

    @property
    def repeat_seconds(self) -> int | None:
        """After how long the destination is told again, by the route that repeats soonest; None: never."""
        if self.reason is not RoutingReason.BY_ROUTE:
            return None
        return min((route.repeat_seconds for route in self.routes if route.repeat_seconds is not None), default=None)
