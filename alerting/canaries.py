"""Canaries: documents planted to see that what a source holds arrives, and which link of the chain broke.

The phrase of a canary goes the way of every leak: the source is read, the phrase is found, an alert raised, a delivery
planned and sent. What each link left behind in the store is looked at; nothing is simulated.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerting.planning import plan_canary_notices
from alerting.routing import route_incident
from core.clock import Clock
from core.errors import NotFound, UsageError
from core.ids import new_id
from core.listing import whole
from core.ports import Store
from core.types import (
    AuditEntry,
    Canary,
    CanaryLink,
    CanaryState,
    Delivery,
    DeliveryState,
    Document,
    IncidentState,
    RoutingReason,
    SourceRecord,
    SourceState,
    Term,
    TermKind,
    TermSettings,
    Watchlist,
)

SHORTEST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(days=7)
USUAL_WAIT = timedelta(hours=1)
ACTOR = "canary"
"""Who the audit log names for what is done here."""

_WORDS, _SYLLABLES = 3, 3  # 55 bits: nobody writes it by chance
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_WATCHED_ON = timedelta(days=1)
"""So long after its deadline its phrase is watched at most, should nobody be there to end it."""
_NOT_TOLD = {
    RoutingReason.SWITCHED_OFF: "the destination is switched off",
    RoutingReason.BELOW_MINIMUM_SEVERITY: "the destination takes only what is graver",
    RoutingReason.TAKEN_BY_NO_ROUTE: "no route leads it to the destination",
    RoutingReason.UNWANTED: "a route without destinations takes it",
}


@dataclass(frozen=True, slots=True)
class Planting:
    """A new canary, and what its phrase is watched by."""

    canary: Canary
    watchlist: Watchlist
    term: Term


def planting(
    community_id: str,
    source_id: str | None,
    destination_id: str,
    *,
    at: datetime,
    wait: timedelta,
    search_externally: bool = False,
) -> Planting:
    """Return a canary for the source that must arrive at the destination within the ``wait``; without a source it is
    handed in here. Raises UsageError for a wait that is too short or too long."""
    if not SHORTEST_WAIT <= wait <= LONGEST_WAIT:
        raise UsageError("a canary may take from a minute to 7 days")
    canary = Canary(
        id=new_id("cny"),
        community_id=community_id,
        source_id=source_id,
        destination_id=destination_id,
        watchlist_id=new_id("wl"),
        phrase=" ".join(_word() for _ in range(_WORDS)),
        planted_at=at,
        due_at=at + wait,
        read_at=at if source_id is None else None,
        given_at=at if source_id is None else None,
    )
    # A watchlist of its own: canaries must not join one another's incidents.
    watchlist = Watchlist(id=canary.watchlist_id, community_id=community_id, name=f"Canary {canary.id}", is_test=True)
    term_id = new_id("trm")
    settings = TermSettings(expires_at=canary.due_at + _WATCHED_ON, search_externally=search_externally)
    term = Term(
        id=term_id,
        reference=term_id,
        watchlist_id=watchlist.id,
        kind=TermKind.KEYWORD,
        value=canary.phrase,
        settings=settings,
    )
    return Planting(canary, watchlist, term)


def handed_in(canary: Canary) -> Document:
    """Return the document of a canary without a source."""
    return Document(id=f"canary:{canary.id}", source="canary", external_id=canary.id, text=sentence(canary))


def sentence(canary: Canary) -> str:
    """Return what may be posted: harmless, and it says what it is."""
    return f"This is a test, please ignore it: {canary.phrase}"


def is_in(canary: Canary, document: Document) -> bool:
    """Return whether the document is the canary's. This is not the search for what is watched: it tells when that one
    overlooks something."""
    text = f"{document.title or ''} {document.text}"
    return canary.phrase in " ".join(text.split()).casefold()


async def follow(store: Store, clock: Clock, canary: Canary) -> Canary:
    """Return the canary, which waits, as far as it has come; where it has arrived, or its time is over, that is
    recorded, and the other destinations are told of a failure.

    Raises Conflict where another process has ended it, and StoreError.
    """
    now = clock.now()
    canary, delivery = await _progress(store, canary)
    if canary.delivered_at is not None:
        ended = replace(canary, state=CanaryState.ARRIVED, finished_at=now)
    elif now >= canary.due_at:
        link, reason = await _broken(store, canary, delivery)
        ended = replace(canary, state=CanaryState.FAILED, finished_at=now, broken_link=link, reason=reason)
    else:
        return canary
    async with store.transaction() as transaction:
        await transaction.end_canary(ended, now)
        if ended.state is CanaryState.FAILED:
            await plan_canary_notices(transaction, ended, now)
        if ended.incident_id is not None:
            incident = await transaction.incident(ended.community_id, ended.incident_id)
            if not incident.state.is_closed:
                # Without a notice: a test needs nobody.
                resolved = replace(incident, state=IncidentState.RESOLVED, reason="a canary", updated_at=now)
                await transaction.save_incident(resolved, ())
        await transaction.record(
            AuditEntry(
                id=new_id("aud"),
                community_id=ended.community_id,
                actor=ACTOR,
                action=f"canary.{ended.state}",
                object_id=ended.id,
                at=now,
            )
        )
    return ended


async def _progress(store: Store, canary: Canary) -> tuple[Canary, Delivery | None]:
    """Return the canary as far as it has come, and its delivery, once one is planned."""
    raised = await store.canary_alert(canary)
    if raised is None:
        return canary, None
    incident_id, raised_at = raised
    delivery = await store.first_delivery(canary.community_id, incident_id, canary.destination_id)
    known = replace(
        canary,
        read_at=canary.read_at or raised_at,
        given_at=canary.given_at or raised_at,
        raised_at=raised_at,
        incident_id=incident_id,
        planned_at=None if delivery is None else delivery.created_at,
        delivered_at=None if delivery is None else delivery.delivered_at,
    )
    return known, delivery


async def _broken(store: Store, canary: Canary, delivery: Delivery | None) -> tuple[CanaryLink, str]:
    """Return the first link that does not hold, and why, in words that name nobody."""
    if canary.raised_at is None:
        source = None
        if canary.source_id is not None:
            with suppress(NotFound):
                source = await store.source(canary.community_id, canary.source_id)
            if source is None:
                return CanaryLink.READ, "the source was deleted"
        return _not_raised(canary, source)
    if delivery is None:
        return CanaryLink.PLANNED, f"an alert was raised, but {await _not_planned(store, canary)}"
    error = delivery.last_error or "nobody says why"
    if delivery.state is DeliveryState.DEAD:
        return CanaryLink.DELIVERED, f"the delivery was given up: {error}"
    if delivery.attempts:
        return CanaryLink.DELIVERED, f"the delivery was tried {_times(delivery.attempts)}: {error}"
    if delivery.state is DeliveryState.HELD and delivery.held_because is not None:
        return CanaryLink.DELIVERED, f"the delivery waits for the end of {delivery.held_because.replace('_', ' ')}"
    return CanaryLink.DELIVERED, "the delivery waits behind others that could not be delivered, or nothing delivers"


def _not_raised(canary: Canary, source: SourceRecord | None) -> tuple[CanaryLink, str]:
    if canary.given_at is not None:
        return CanaryLink.RAISED, (
            "the document was given, but no alert was raised: its phrase was not found in it, "
            "or alerts are raised from a higher score on"
        )
    trouble = "" if source is None or source.last_error is None else source.last_error
    if canary.read_at is not None:
        last = f"the last poll failed ({trouble})" if trouble else "the last time successfully"
        return CanaryLink.GIVEN, (
            f"the source was read {_times(canary.read_count)} since, {last}, and the document was not in what it gave"
        )
    if source is not None and source.state is SourceState.DISABLED:
        return CanaryLink.READ, "the source is switched off"
    return CanaryLink.READ, f"the source was not read since{f': {trouble}' if trouble else ''}"


async def _not_planned(store: Store, canary: Canary) -> str:
    incident = await store.incident(canary.community_id, str(canary.incident_id))
    routes = await whole(lambda listing: store.routes(canary.community_id, listing))
    destinations = await whole(lambda listing: store.all_destinations(canary.community_id, listing))
    for routing in route_incident(incident, routes, destinations):
        if routing.destination.id == canary.destination_id:
            return _NOT_TOLD.get(routing.reason, "nothing was planned for the destination")
    return "the destination was deleted"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _word() -> str:
    return "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(_SYLLABLES))
