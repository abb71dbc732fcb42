"""Pages for people, by signed links: an incident, redacted, and a button to take it on.

Programs that look at links before people do (mail filters, chat previews, browsers that fetch ahead) send GET and HEAD,
so these change nothing.

Whoever follows too many links that do not count is asked to come back later. One that counts opens all the same: behind
a proxy, strangers and moderators may come from one address.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Network, ip_address
from typing import cast

from fastapi import APIRouter, Request, Response

from alerting.addressing import wants_no_quotes, without_quotes
from alerting.rendering import standing
from alerting.signed_links import GONE, SignedLink, acknowledge_by_link, read_token
from api.auth import PAGES
from api.pages import incident_page, refusal_page
from api.services import Given, Services
from core.bounds import Bound
from core.clock import Clock
from core.errors import Conflict, LinkRefused, NotFound
from core.ports import AlertFilter, Listing
from core.types import Detail, Watchlist

router = APIRouter(prefix=PAGES.rstrip("/"), include_in_schema=False)

MOST_ALERTS = 20
"""On a page: the first ones, which opened the incident."""
MOST_REFUSED, MOST_FOLLOWED = 30, 60
"""In a minute, from one address: links that do not count, and times that one link that counts is followed."""
_MINUTE = timedelta(minutes=1)
_MANY_REFUSED = "Too many links that do not count were followed from here; those that count open all the same."
_OFTEN_FOLLOWED = "This link was followed too often."


class LinkBounds:
    """How often links are followed from one address."""

    def __init__(self, clock: Clock) -> None:
        self.refused = Bound(clock, most=MOST_REFUSED, within=_MINUTE)
        self.followed = Bound(clock, most=MOST_FOLLOWED, within=_MINUTE)


@router.api_route("/{token}", methods=["GET", "HEAD"])
async def show_incident(token: str, request: Request, given: Given) -> Response:
    """Shows the incident of the link, no more of it than its destination is told, and redacted in any case."""
    try:
        link = await read_token(given.store, token, given.clock.now())
        if (wait := _bounds(request).followed.exceeded(f"{_origin(request)} {token}")) is not None:
            return _later(_OFTEN_FOLLOWED, wait)
        return await _page(given, link, await _addressee(given, link))
    except LinkRefused as refused:
        return _refusal(request, str(refused), status=403)
    except NotFound:
        return _refusal(request, GONE, status=404)


@router.post("/{token}")
async def acknowledge_incident_by_link(token: str, request: Request, given: Given) -> Response:
    """Puts the incident into the hands of whom the link was sent to, and shows its page again."""
    at = given.clock.now()
    try:
        link = await read_token(given.store, token, at)
        if (wait := _bounds(request).followed.exceeded(f"{_origin(request)} {token}")) is not None:
            return _later(_OFTEN_FOLLOWED, wait)
        addressee = await _addressee(given, link)
        try:
            async with given.store.transaction() as transaction:
                await acknowledge_by_link(transaction, link, assignee=addressee.name, at=at)
        except Conflict:
            return await _page(given, link, addressee, status=409)
    except LinkRefused as refused:
        return _refusal(request, str(refused), status=403)
    except NotFound:
        return _refusal(request, GONE, status=404)
    given.changed()
    # Relative to this page, wherever a proxy shows it.
    return Response(status_code=303, headers={"Location": request.url.path.rpartition("/")[2]})


def _refusal(request: Request, sentence: str, *, status: int) -> Response:
    """Return the page that refuses a link, or, where too many were refused to this address, that asks to wait."""
    wait = _bounds(request).refused.exceeded(_origin(request))
    return refusal_page(sentence, status=status) if wait is None else _later(_MANY_REFUSED, wait)


def _later(sentence: str, wait: timedelta) -> Response:
    seconds = math.ceil(wait.total_seconds())
    page = refusal_page(f"{sentence} Try again in {seconds} seconds.", status=429)
    page.headers["Retry-After"] = str(seconds)  # RFC 6585, section 4
    return page


def _bounds(request: Request) -> LinkBounds:
    return cast(LinkBounds, request.app.state.link_bounds)


def _origin(request: Request) -> str:
    """Return whence the request comes: an IPv4 address, or the network of 64 bits that one customer has with IPv6."""
    host = "" if request.client is None else request.client.host
    with suppress(ValueError):
        if ip_address(host).version == 6:
            return str(IPv6Network((host.partition("%")[0], 64), strict=False))
    return host


@dataclass(frozen=True)
class _Addressee:
    """Whom a link was sent to, and what of an incident may be shown there."""

    name: str
    detail: Detail
    wants_no_quotes: bool


async def _addressee(services: Services, link: SignedLink) -> _Addressee:
    """Return whom the link was sent to. Raises NotFound where the destination or the moderator was deleted."""
    store = services.store
    destination = await store.destination(link.community_id, link.destination_id)
    readers = [one for one in await store.moderators(link.community_id) if destination.id in one.destination_ids]
    name = destination.name
    if link.moderator_id is not None:
        name = (await store.moderator(link.community_id, link.moderator_id)).name
    return _Addressee(name, destination.detail, wants_no_quotes(destination, readers))


async def _page(services: Services, link: SignedLink, addressee: _Addressee, *, status: int = 200) -> Response:
    store, community_id = services.store, link.community_id
    incident = await store.incident(community_id, link.incident_id)
    part = await store.alerts(community_id, Listing(limit=MOST_ALERTS), AlertFilter(incident_id=incident.id))
    watchlists: dict[str, Watchlist] = {}
    with suppress(NotFound):  # incidents outlive their watchlist
        watchlists[incident.watchlist_id] = await store.watchlist(community_id, incident.watchlist_id)
    community = await store.community(community_id)
    notice = standing(community, watchlists, incident, part.items, services.clock.now(), detail=addressee.detail)
    return incident_page(incident, without_quotes(notice) if addressee.wants_no_quotes else notice, status=status)
