"""Sources."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Reader, Writer, audit_entry, require, require_for_settings
from api.schemas.common import Identifier, Items, ListingQuery
from api.schemas.sources import NewSource, SourceChange, SourceView
from api.services import Given, Services
from core.errors import Conflict
from core.ids import new_id
from core.types import ApiKey, Scope, SourceRecord

router = APIRouter(prefix="/v1/sources", tags=["sources"])


@router.post("", status_code=201, summary="Add a source")
async def create_source(sent: NewSource, given: Given, key: Writer) -> SourceView:
    """Adds a source, which is polled at once. A shared one, and one that reads files of the server, needs the scope
    `operate`."""
    if sent.shared:
        require(key, Scope.OPERATE)
    require_for_settings(key, given.sources.check_settings(sent.kind, sent.settings))
    at = given.clock.now()
    source = SourceRecord(
        id=new_id("src"),
        community_id=key.community_id,
        kind=sent.kind,
        name=sent.name,
        settings=sent.settings,
        shared=sent.shared,
        interval_seconds=sent.interval_seconds,
        maximum_interval_seconds=sent.maximum_interval_seconds,
        due_at=at,
        created_at=at,
        updated_at=at,
    )
    await given.store.add_source(source, audit=audit_entry(given, key, "source.created", source.id))
    given.changed()
    return SourceView.of(source, at)


@router.get("", summary="List the sources")
async def list_sources(wanted: Annotated[ListingQuery, Query()], given: Given, key: Reader) -> Items[SourceView]:
    """Answers the community's sources and how they fare."""
    part = await given.store.sources(key.community_id, wanted.listing())
    now = given.clock.now()
    return Items[SourceView].of(part, lambda source: SourceView.of(source, now))


@router.get("/{source_id}", summary="Read a source")
async def read_source(source_id: Identifier, given: Given, key: Reader) -> SourceView:
    """Answers the source and how it fares."""
    return SourceView.of(await given.store.source(key.community_id, source_id), given.clock.now())


@router.patch("/{source_id}", summary="Change a source")
async def change_source(source_id: Identifier, sent: SourceChange, given: Given, key: Writer) -> SourceView:
    """Changes what is sent of the source, which is polled at once, from where it was. Where a setting changes that is a
    single text, such as an address, it is read as if it had just been added. A shared one, and one that reads files of
    the server, needs the scope `operate`."""
    source = await given.store.source(key.community_id, source_id)
    _check_shared(source, key)
    if not source.opens:
        raise Conflict("what is kept of this source does not open: delete it, and add it again")
    settings = given.sources.changed_settings(source.kind, source.settings, sent.settings)
    at = given.clock.now()
    changed = sent.changed(source, settings.values, at)
    _check_shared(changed, key)
    require_for_settings(key, given.sources.check_settings(source.kind, settings.values))
    audit = audit_entry(given, key, "source.changed", source_id)
    after = await given.store.change_source(changed, anew=settings.is_elsewhere, audit=audit)
    given.changed()
    return SourceView.of(after, at)


@router.post("/{source_id}/enable", summary="Switch a source on")
async def enable_source(source_id: Identifier, given: Given, key: Writer) -> SourceView:
    """Has the source polled again, from where it stopped."""
    return await _switch(source_id, True, given, key)


@router.post("/{source_id}/disable", summary="Switch a source off")
async def disable_source(source_id: Identifier, given: Given, key: Writer) -> SourceView:
    """Has the source polled no more. Where it stopped is kept."""
    return await _switch(source_id, False, given, key)


@router.delete("/{source_id}", status_code=204, summary="Delete a source")
async def delete_source(source_id: Identifier, given: Given, key: Writer) -> None:
    """Deletes the source. What it gave stays."""
    _check_shared(await given.store.source(key.community_id, source_id), key)
    await given.store.delete_source(
        key.community_id, source_id, audit=audit_entry(given, key, "source.deleted", source_id)
    )
    given.changed()


async def _switch(source_id: str, enabled: bool, services: Services, key: ApiKey) -> SourceView:
    _check_shared(await services.store.source(key.community_id, source_id), key)
    audit = audit_entry(services, key, "source.enabled" if enabled else "source.disabled", source_id)
    at = services.clock.now()
    source = await services.store.set_source_enabled(key.community_id, source_id, enabled, at, audit=audit)
    services.changed()
    return SourceView.of(source, at)


def _check_shared(source: SourceRecord, key: ApiKey) -> None:
    if source.shared:
        require(key, Scope.OPERATE)
