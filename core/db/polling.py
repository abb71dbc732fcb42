"""Sources, their leases, and what was seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlmodel import col

from core.crypto import CommunityKeys, HashPurpose
from core.db.database import Database, Unit, chunks
from core.db.journal import add_entry
from core.db.leases import change_held, change_leased, is_free, take, takeable_at
from core.db.listing import slice_of
from core.db.sealing import health_of, seal, unseal
from core.db.tables import CommunityRow, SeenRow, SourceRow
from core.errors import CryptoError, NotFound
from core.ports import Listing, Slice
from core.types import AuditEntry, JsonObject, SourceHealth, SourceLease, SourceRecord, SourceState


class Polling(Database):
    """The part of the store about sources."""

    async def add_source(self, source: SourceRecord, *, audit: AuditEntry) -> None:
        """Keep the source; one without ``due_at`` is due at once. Raises NotFound for its community."""
        async with self.writing() as unit:
            keys = await unit.keys(source.community_id)
            enabled = source.state is not SourceState.DISABLED
            unit.session.add(
                SourceRow(
                    id=source.id,
                    community_id=source.community_id,
                    kind=source.kind,
                    sealed=seal(keys, SourceRow, source.id, {"name": source.name, "settings": source.settings}),
                    sealed_cursor=_sealed_cursor(keys, source.id, source.cursor),
                    sealed_health=_sealed_health(keys, source.id, source.health),
                    shared=source.shared,
                    interval_seconds=source.interval_seconds,
                    maximum_interval_seconds=source.maximum_interval_seconds,
                    state=source.state,
                    due_at=(source.due_at or source.created_at) if enabled else None,
                    last_success_at=source.last_success_at,
                    last_error=source.last_error,
                    failure_count=source.failure_count,
                    created_at=source.created_at,
                    updated_at=source.updated_at,
                )
            )
            await add_entry(unit, audit)

    async def sources(self, community_id: str, listing: Listing) -> Slice[SourceRecord]:
        """Return the wanted slice, the source that changed longest ago first. Raises NotFound for the community."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(SourceRow).where(col(SourceRow.community_id) == community_id)
            return await slice_of(
                unit.session, statement, SourceRow, "updated_at", listing, lambda row: _source_of(keys, row)
            )

    async def sources_counting_for(self, community_id: str) -> tuple[SourceRecord, ...]:
        """Return all sources of which the documents count for the community: its own, and those that others share.
        Raises NotFound for the community."""
        statement = (
            select(SourceRow)
            .where(or_(col(SourceRow.community_id) == community_id, col(SourceRow.shared)))
            .order_by(col(SourceRow.created_at), col(SourceRow.id))
        )
        async with self.reading() as unit:
            await unit.community(community_id)
            rows = (await unit.session.scalars(statement)).all()
            return tuple([_source_of(await unit.keys(row.community_id), row) for row in rows])

    async def source(self, community_id: str, source_id: str) -> SourceRecord:
        """Return the source. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(SourceRow, community_id, source_id)
            return _source_of(await unit.keys(community_id), row)

    async def source_read_for(self, community_id: str, source_id: str) -> SourceRecord:
        """Return the source, which is the community's own or shared. Raises NotFound."""
        async with self.reading() as unit:
            counts = or_(col(SourceRow.community_id) == community_id, col(SourceRow.shared))
            row = await unit.session.scalar(select(SourceRow).where(col(SourceRow.id) == source_id, counts))
            if row is None:
                raise NotFound("there is no such source for this community")
            return _source_of(await unit.keys(row.community_id), row)

    async def change_source(self, changed: SourceRecord, *, anew: bool, audit: AuditEntry) -> SourceRecord:
        """Put name, settings, intervals and whether it is shared in place of what was known of the source, which is due
        at once then, unless it is disabled (a poll under way is not recorded). ``anew``: what was learned of the place,
        and how far it was read, is forgotten. Return the source as it is then. Raises NotFound."""
        async with self.writing() as unit:
            row = await unit.one(SourceRow, changed.community_id, changed.id, to_change=True)
            keys = await unit.keys(row.community_id)
            content = {"name": changed.name, "settings": changed.settings}
            row.sealed = seal(keys, SourceRow, row.id, content)
            row.interval_seconds, row.maximum_interval_seconds = (
                changed.interval_seconds,
                changed.maximum_interval_seconds,
            )
            row.shared, row.updated_at = changed.shared, changed.updated_at
            health = replace(_health_of(keys, row), interval_seconds=None)
            if anew:
                # Its trouble is not over because somebody tries to mend it.
                health = SourceHealth(
                    failing_since=health.failing_since,
                    read_since=changed.updated_at,
                    was_told=health.was_told,
                    blind_intervals=health.blind_intervals,
                )
                row.sealed_cursor, row.last_success_at = None, None
            row.sealed_health = _sealed_health(keys, row.id, health)
            if row.state != SourceState.DISABLED:
                row.state, row.due_at = SourceState.NEW, changed.updated_at
                row.last_error, row.failure_count = None, 0
            row.lease_token, row.leased_until = None, None
            await add_entry(unit, audit)
            return _source_of(keys, row)

    async def set_source_enabled(
        self, community_id: str, source_id: str, enabled: bool, at: datetime, *, audit: AuditEntry
    ) -> SourceRecord:
        """Switch the source on (it is due at once, from where it was) or off (a poll under way is not recorded);
        return it as it is then. Raises NotFound."""
        async with self.writing() as unit:
            row = await unit.one(SourceRow, community_id, source_id, to_change=True)
            keys = await unit.keys(community_id)
            if enabled != (row.state != SourceState.DISABLED):
                health = replace(_source_of(keys, row).health, failing_since=None, was_told=False)
                row.sealed_health = _sealed_health(keys, row.id, health)
                row.state = SourceState.NEW if enabled else SourceState.DISABLED
                row.due_at = at if enabled else None
                row.last_error, row.failure_count = None, 0
                row.lease_token, row.leased_until = None, None
                row.updated_at = at
            await add_entry(unit, audit)
            return _source_of(keys, row)

    async def delete_source(self, community_id: str, source_id: str, *, audit: AuditEntry) -> None:
        """Delete the source; what it found stays. Raises NotFound."""
        async with self.writing() as unit:
            await unit.session.delete(await unit.one(SourceRow, community_id, source_id))
            await add_entry(unit, audit)

    async def take_due_source(
        self, at: datetime, lease_for: timedelta, *, besides: Collection[str] = ()
    ) -> SourceLease | None:
        """Take the source that is due longest and not leased; None where none is due. Sources with the ids ``besides``
        are left out.

        Raises CryptoError where its community's keys do not open; it is leased then: others can be taken meanwhile.
        """
        due = (col(SourceRow.due_at) <= at, is_free(SourceRow, at), *_not_among(besides))
        wanted = select(col(SourceRow.id), col(SourceRow.leased_until)).where(*due)
        first = wanted.order_by(col(SourceRow.due_at), col(SourceRow.id)).limit(1)
        while True:
            async with self.reading() as unit:
                found = (await unit.session.execute(first)).first()
            if found is None:
                return None
            source_id, ran_out_at = found
            as_found = col(SourceRow.leased_until).is_not_distinct_from(ran_out_at)
            async with self.writing() as unit:
                token = await take(unit, SourceRow, source_id, *due, as_found, until=at + lease_for)
            if token is not None:
                # Opened once the lease stands: a row that does not open must not be the first to be taken for ever.
                async with self.reading() as unit:
                    row = await unit.session.get_one(SourceRow, source_id)
                    source = _source_of(await unit.keys(row.community_id), row)
                    return SourceLease(source, token, at + lease_for, taken_over=ran_out_at is not None)

    async def renew_source_lease(self, lease: SourceLease, until: datetime) -> None:
        """Keep the source leased until then. Raises LeaseLost."""
        async with self.writing() as unit:
            await change_held(unit, SourceRow, lease.source.id, lease.token, leased_until=until)

    async def give_source_back(self, lease: SourceLease) -> None:
        """End the lease of a source that was not polled; it is due as it was. Raises LeaseLost."""
        async with self.writing() as unit:
            await change_leased(unit, SourceRow, lease.source.id, lease.token)

    async def next_source_due_at(self, *, besides: Collection[str] = ()) -> datetime | None:
        """Return when the next source, but for those with the ids ``besides``, is due or its lease ends; None without
        sources that are switched on."""
        first = select(func.min(takeable_at(SourceRow, col(SourceRow.due_at))))
        async with self.reading() as unit:
            return await unit.session.scalar(first.where(col(SourceRow.due_at).is_not(None), *_not_among(besides)))

    async def unseen(self, community_id: str, fingerprints: Sequence[str], at: datetime) -> frozenset[str]:
        """Return those of the fingerprints that are not marked as seen. Raises NotFound for the community."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            by_key = {keys.hash(HashPurpose.SEEN, fingerprint): fingerprint for fingerprint in fingerprints}
            seen: set[bytes] = set()
            for chunk in chunks(list(by_key)):
                seen.update(
                    await unit.session.scalars(
                        select(col(SeenRow.document_key)).where(
                            col(SeenRow.community_id) == community_id,
                            col(SeenRow.document_key).in_(chunk),
                            col(SeenRow.expires_at) > at,
                        )
                    )
                )
        return frozenset(fingerprint for key, fingerprint in by_key.items() if key not in seen)


async def finish_poll(unit: Unit, lease: SourceLease, source: SourceRecord) -> None:
    """Record what came of a poll: the source as it is after it, but for what people chose. Raises LeaseLost."""
    await change_leased(
        unit, SourceRow, source.id, lease.token, **_polled(await unit.keys(source.community_id), source)
    )


async def note_health(unit: Unit, lease: SourceLease, source: SourceRecord) -> None:
    """Record how the source fares, of which a poll is still to come. Raises LeaseLost."""
    await change_held(unit, SourceRow, source.id, lease.token, **_polled(await unit.keys(source.community_id), source))


async def note_told(unit: Unit, source: SourceRecord) -> bool:
    """Remember whether the destinations know of the trouble of the source; return whether that is a change. Raises
    NotFound."""
    row = await unit.one(SourceRow, source.community_id, source.id, to_change=True)
    keys = await unit.keys(source.community_id)
    health, was_told = _health_of(keys, row), source.health.was_told
    if health.was_told == was_told:
        return False
    row.sealed_health = _sealed_health(keys, row.id, replace(health, was_told=was_told))
    return True


async def readers(unit: Unit, source: SourceRecord) -> tuple[str, ...]:
    """Return the ids of the communities for which the source's documents count."""
    if not source.shared:
        return (source.community_id,)
    return tuple(await unit.session.scalars(select(col(CommunityRow.id)).order_by(col(CommunityRow.id))))


def _polled(keys: CommunityKeys, source: SourceRecord) -> dict[str, object]:
    """Return what polls change of a row. What does not open may open again, with the right backup: it is not written
    over."""
    cursor = {"sealed_cursor": _sealed_cursor(keys, source.id, source.cursor)} if source.opens else {}
    return {
        **cursor,
        "state": source.state,
        "sealed_health": _sealed_health(keys, source.id, source.health),
        "last_success_at": source.last_success_at,
        "last_error": source.last_error,
        "failure_count": source.failure_count,
        "due_at": source.due_at,
        "updated_at": source.updated_at,
    }


async def mark_seen(unit: Unit, community_id: str, fingerprints: Iterable[str], *, until: datetime) -> frozenset[str]:
    """Remember keyed hashes of the fingerprints until the given time; return those that were new or had expired."""
    keys = await unit.keys(community_id)
    by_key = {keys.hash(HashPurpose.SEEN, fingerprint): fingerprint for fingerprint in fingerprints}
    new: set[bytes] = set()
    for chunk in chunks(list(by_key)):
        insertion = unit.insert(SeenRow).values(
            [{"community_id": community_id, "document_key": key, "expires_at": until} for key in chunk]
        )
        # One statement decides what is new: of two processes that mark the same document, one is told so.
        new.update(
            await unit.session.scalars(
                insertion.on_conflict_do_update(
                    index_elements=["community_id", "document_key"],
                    set_={"expires_at": insertion.excluded.expires_at},
                    where=col(SeenRow.expires_at) <= unit.clock.now(),
                ).returning(col(SeenRow.document_key))
            )
        )
        await unit.change(
            update(SeenRow)
            .where(
                col(SeenRow.community_id) == community_id,
                col(SeenRow.document_key).in_(chunk),
                col(SeenRow.expires_at) < until,
            )
            .values(expires_at=until)
        )
    return frozenset(by_key[key] for key in new)


def _not_among(source_ids: Collection[str]) -> list[ColumnElement[bool]]:
    return [col(SourceRow.id).not_in(source_ids)] if source_ids else []


def _source_of(keys: CommunityKeys, row: SourceRow) -> SourceRecord:
    """Return the source, also where it does not open: it must not go unnoticed that it is not read."""
    opens, name, settings, cursor = True, row.id, {}, None
    try:
        content = unseal(keys, SourceRow, row.id, row.sealed)
        name, settings = content["name"], content["settings"]
        if row.sealed_cursor is not None:
            cursor = unseal(keys, SourceRow, row.id, row.sealed_cursor, column="sealed_cursor")
    except CryptoError:
        opens = False
    return SourceRecord(
        id=row.id,
        community_id=row.community_id,
        kind=row.kind,
        name=name,
        settings=settings,
        opens=opens,
        shared=row.shared,
        interval_seconds=row.interval_seconds,
        maximum_interval_seconds=row.maximum_interval_seconds,
        state=SourceState(row.state),
        cursor=cursor,
        due_at=row.due_at,
        last_success_at=row.last_success_at,
        last_error=row.last_error,
        failure_count=row.failure_count,
        health=_health_of(keys, row),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _health_of(keys: CommunityKeys, row: SourceRow) -> SourceHealth:
    if row.sealed_health is None:
        return SourceHealth()
    try:
        return health_of(unseal(keys, SourceRow, row.id, row.sealed_health, column="sealed_health"))
    except CryptoError:
        return SourceHealth()  # written anew after the next poll


def _sealed_cursor(keys: CommunityKeys, source_id: str, cursor: JsonObject | None) -> bytes | None:
    return None if cursor is None else seal(keys, SourceRow, source_id, cursor, column="sealed_cursor")


def _sealed_health(keys: CommunityKeys, source_id: str, health: SourceHealth) -> bytes:
    return seal(keys, SourceRow, source_id, health, column="sealed_health")
