"""Incidents for a reader of feeds, by a secret address."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from alerting.feed import feed
from alerting.rendering import standing
from api.auth import FeedReader
from api.schemas.common import Input
from api.services import Given, Services
from core.ports import AlertFilter, IncidentFilter, Listing
from core.types import ApiKey, Incident, Severity, Watchlist

router = APIRouter(prefix="/v1/feeds", tags=["feeds"])

MEDIA_TYPE = "application/atom+xml"
LOOKS_BACK = timedelta(days=30)
MOST_ENTRIES = 50
MOST_ALERTS = 3
"""Of one incident: the first ones, which opened it."""
_PART = 200
ATOM = {
    "description": "An Atom feed (RFC 4287), the incident that changed last first.",
    "content": {
        MEDIA_TYPE: {
            "schema": {"type": "string"},
            "example": '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Leakwatch</title></feed>',
        }
    },
}


class FeedQuery(Input):
    """What a feed tells of."""

    model_config = ConfigDict(frozen=True)

    minimum_severity: Severity = Field(Severity.MEDIUM, description="The lowest severity that it tells of.")


@router.get(
    "/{token}/incidents.atom",
    summary="Read the incidents as a feed",
    response_class=Response,
    responses={200: ATOM},
)
async def read_feed(
    wanted: Annotated[FeedQuery, Query()],
    given: Given,
    key: FeedReader,
) -> Response:
    """Answers the 50 incidents that changed last, within 30 days, redacted. The address is the secret: no header is
    needed, and whoever knows it can read the feed until the key is revoked."""
    incidents = await _newest(given, key, wanted.minimum_severity)
    community = await given.store.community(key.community_id)
    watchlists = await _watchlists(given, key)
    notices = []
    for incident in incidents:
        part = await given.store.alerts(
            key.community_id, Listing(limit=MOST_ALERTS), AlertFilter(incident_id=incident.id)
        )
        notices.append(standing(community, watchlists, incident, part.items, given.clock.now()))
    updated_at = max((incident.updated_at for incident in incidents), default=given.clock.now())
    return Response(feed(community.id, community.name, notices, updated_at), media_type=MEDIA_TYPE)


async def _newest(services: Services, key: ApiKey, minimum_severity: Severity) -> list[Incident]:
    """Return the incidents of the feed. A listing begins with the oldest, so it is read to its end."""
    newest: deque[Incident] = deque(maxlen=MOST_ENTRIES)
    wanted = IncidentFilter(minimum_severity=minimum_severity)
    since, cursor = services.clock.now() - LOOKS_BACK, None
    while True:
        listing = Listing(cursor=cursor, limit=_PART, updated_since=since)
        part = await services.store.incidents(key.community_id, listing, wanted)
        newest.extendleft(part.items)
        cursor = part.next_cursor
        if cursor is None:
            return list(newest)


async def _watchlists(services: Services, key: ApiKey) -> dict[str, Watchlist]:
    found: dict[str, Watchlist] = {}
    cursor = None
    while True:
        part = await services.store.watchlists(key.community_id, Listing(cursor=cursor, limit=_PART))
        found |= {watchlist.id: watchlist for watchlist in part.items}
        cursor = part.next_cursor
        if cursor is None:
            return found
