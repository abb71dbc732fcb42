"""What an admin sets up from the command line: watchlists, sources, destinations and keys of a community."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from api.auth import new_token
from core.clock import Clock
from core.errors import Conflict, NotFound, UsageError
from core.ids import new_id
from core.listing import whole
from core.ports import Store
from core.types import (
    ApiKey,
    AuditEntry,
    Catalogue,
    Community,
    Destination,
    Detail,
    JsonObject,
    Moderator,
    Scope,
    Severity,
    SourceRecord,
    Watchlist,
)
from monitor.parts import Parts
from watchlists.checking import load_checked

ACTOR = "command line"


async def import_watchlist(store: Store, parts: Parts, path: Path) -> Community:
    """Keep a watchlist file's watchlists, and its community where there is none of that name yet, all or
    nothing; return the community.

    Raises WatchlistError for a file that cannot be read or holds a term that cannot be looked for, and Conflict
    where a watchlist's name or a term's reference is in use.
    """
    index = parts.keyed().index(Catalogue())
    file = load_checked(path, index.check)
    known = [community for community in await store.communities() if community.name == file.community.name]
    community = known[0] if known else replace(file.community, id=new_id("com"))
    await store.import_watchlists(
        community,
        [(watchlist, [index.conceal(term) for term in terms]) for watchlist, terms in file.adopted_by(community.id)],
        audit=audit_entry(parts.clock, community.id, "watchlist.imported", community.id),
    )
    return community


async def community_named(store: Store, name: str | None) -> Community:
    """Return the community of that name, or the only one where none is named. Raises NotFound."""
    communities = await store.communities()
    if not communities:
        raise NotFound("there is no community yet: import a watchlist first (leakwatch watchlist import FILE)")
    if name is None and len(communities) == 1:
        return communities[0]
    for community in communities:
        if community.name == name:
            return community
    raise NotFound(
        "say which community, with --community NAME"
        if name is None
        else "there is no community of that name: look at the names with leakwatch doctor"
    )


async def destination_named(store: Store, community_id: str, name: str) -> Destination:
    """Return the community's destination of that name or id. Raises NotFound."""
    destinations = await whole(partial(store.all_destinations, community_id))
    named = [destination for destination in destinations if name in (destination.id, destination.name)]
    if len(named) != 1:
        raise NotFound(
            "several destinations have this name: give the id, which leakwatch destination list shows"
            if named
            else "there is no destination of this name: look at the names with leakwatch destination list"
        )
    return named[0]


async def source_named(store: Store, community_id: str, name: str) -> SourceRecord:
    """Return the community's source of that name or id. Raises NotFound."""
    sources = await whole(partial(store.sources, community_id))
    named = [source for source in sources if name in (source.id, source.name)]
    if len(named) != 1:
        raise NotFound(
            "several sources have this name: give the id, which GET /v1/sources lists"
            if named
            else "there is no source of this name: look at the names with leakwatch doctor"
        )
    return named[0]


async def watchlist_named(store: Store, community_id: str, name: str) -> Watchlist:
    """Return the community's watchlist of that name or id. Raises NotFound."""
    for watchlist in await whole(partial(store.watchlists, community_id)):
        if name in (watchlist.id, watchlist.name):
            return watchlist
    raise NotFound("there is no watchlist of this name: GET /v1/watchlists lists them")


async def moderator_named(store: Store, community_id: str, name: str) -> Moderator:
    """Return the community's moderator of that name or id. Raises NotFound."""
    named = [one for one in await store.moderators(community_id) if name in (one.id, one.name)]
    if len(named) != 1:
        raise NotFound(
            "several moderators have this name: give the id, which leakwatch moderator list shows"
            if named
            else "there is no moderator of this name: look at the names with leakwatch moderator list"
        )
    return named[0]


async def create_key(store: Store, clock: Clock, community_id: str, *, name: str, scopes: frozenset[Scope]) -> str:
    """Keep a new API key; return its token, which is not kept."""
    token, digest = new_token()
    key = ApiKey(
        id=new_id("key"),
        community_id=community_id,
        name=name,
        scopes=scopes,
        digest=digest,
        created_at=clock.now(),
    )
    await store.add_api_key(key, audit=audit_entry(clock, community_id, "key.created", key.id))
    return token


async def add_source(
    store: Store,
    parts: Parts,
    community_id: str,
    *,
    kind: str,
    name: str,
    settings: JsonObject,
    interval: timedelta,
    maximum_interval: timedelta | None = None,
) -> SourceRecord:
    """Keep a source, due at once. Raises SettingsError for settings that its kind does not take, UsageError for
    intervals that do not fit."""
    if maximum_interval is not None and maximum_interval < interval:
        raise UsageError("the longest interval must not be shorter than the interval")
    parts.sources.check_settings(kind, settings)
    now = parts.clock.now()
    source = SourceRecord(
        id=new_id("src"),
        community_id=community_id,
        kind=kind,
        name=name,
        settings=settings,
        interval_seconds=int(interval.total_seconds()),
        maximum_interval_seconds=None if maximum_interval is None else int(maximum_interval.total_seconds()),
        due_at=now,
        created_at=now,
        updated_at=now,
    )
    await store.add_source(source, audit=audit_entry(parts.clock, community_id, "source.created", source.id))
    return source


async def change_source(
    store: Store,
    parts: Parts,
    source: SourceRecord,
    *,
    name: str | None,
    changes: JsonObject,
    interval: timedelta | None,
    maximum_interval: timedelta | None,
) -> SourceRecord:
    """Change what is given of the source, which is due at once; return it as it is then. Raises SettingsError as
    :meth:`core.plugins.Registry.changed_settings`, UsageError for intervals that do not fit, and Conflict where what is
    kept of the source does not open."""
    if not source.opens:
        raise Conflict("what is kept of this source does not open: delete it, and add it again")
    settings = parts.sources.changed_settings(source.kind, source.settings, changes)
    changed = replace(
        source,
        name=name or source.name,
        settings=settings.values,
        interval_seconds=int(interval.total_seconds()) if interval else source.interval_seconds,
        maximum_interval_seconds=int(maximum_interval.total_seconds())
        if maximum_interval
        else source.maximum_interval_seconds,
        updated_at=parts.clock.now(),
    )
    if changed.longest_interval_seconds < changed.interval_seconds:
        raise UsageError("the longest interval must not be shorter than the interval")
    audit = audit_entry(parts.clock, source.community_id, "source.changed", source.id)
    return await store.change_source(changed, anew=settings.is_elsewhere, audit=audit)


async def add_destination(
    store: Store,
    parts: Parts,
    community_id: str,
    *,
    kind: str,
    name: str,
    settings: JsonObject,
    minimum_severity: Severity,
    no_quotes: bool = False,
    only_when_asked: bool = False,
) -> Destination:
    """Keep a destination that is told redacted incidents. Raises SettingsError as :func:`add_source`."""
    parts.notifiers.check_settings(kind, settings)
    destination = Destination(
        id=new_id("dst"),
        community_id=community_id,
        kind=kind,
        name=name,
        settings=settings,
        detail=Detail.REDACTED,
        minimum_severity=minimum_severity,
        no_quotes=no_quotes,
        only_when_asked=only_when_asked,
    )
    await store.add_destination(
        destination, audit=audit_entry(parts.clock, community_id, "destination.created", destination.id)
    )
    return destination


def audit_entry(clock: Clock, community_id: str, action: str, object_id: str) -> AuditEntry:
    """Return the entry that says that somebody at the command line did this to the object, now."""
    return AuditEntry(
        id=new_id("aud"),
        community_id=community_id,
        actor=ACTOR,
        action=action,
        object_id=object_id,
        at=clock.now(),
    )
