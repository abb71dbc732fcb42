"""What is watched: watchlists, terms, and the catalogue of all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, literal, or_, select
from sqlmodel import col

from core.crypto import CommunityKeys, HashPurpose
from core.db.communities import community_of, insert_community
from core.db.database import Database, Unit, chunks
from core.db.journal import add_entry
from core.db.listing import slice_of
from core.db.sealing import seal, term_settings_of, unseal
from core.db.tables import CommunityRow, Moment, RemovedTermRow, StateRow, TermRow, WatchlistRow, table_of
from core.errors import Conflict, NotFound
from core.ports import REMOVALS_TOLD_FOR, SEARCH_PRIORITIES, Listing, SearchTerm, Slice
from core.types import (
    AuditEntry,
    Catalogue,
    CatalogueChange,
    Community,
    Sensitivity,
    Term,
    TermKind,
    TermSettings,
    Watchlist,
)

_READ_AT_ONCE = 2000


class Watched(Database):
    """The part of the store about watchlists and terms."""

    async def catalogue(self, at: datetime) -> Catalogue:
        """Return everything watched at that moment; expired terms are left out, topic packs are not kept here."""
        async with self.reading() as unit:
            # The revision comes first: what changes while the rest is read then has a higher one.
            revision, groups = await _revision(unit), await _groups(unit)
            terms = await _terms(unit, groups, _lasting(at))
        return Catalogue(
            communities=groups.communities, watchlists=groups.watchlists, terms=tuple(terms), revision=revision
        )

    async def catalogue_change(self, since: int) -> CatalogueChange:
        """Return what changed after that revision."""
        async with self.reading() as unit:
            revision, groups = await _revision(unit), await _groups(unit)
            terms = await _terms(unit, groups, col(TermRow.revision) > since)
            return CatalogueChange(
                revision=revision,
                communities=groups.communities,
                watchlists=groups.watchlists,
                terms=tuple(terms),
                removed=await _removed(unit, since),
            )

    async def removed_terms(self, since: int) -> frozenset[str]:
        """Return the ids of the terms removed after that revision, in the last ``REMOVALS_TOLD_FOR``."""
        async with self.reading() as unit:
            return await _removed(unit, since)

    async def catalogue_revision(self) -> int:
        """Return a number that grows with every change of what is watched."""
        async with self.reading() as unit:
            return await _revision(unit)

    async def add_watchlist(self, watchlist: Watchlist, terms: Sequence[Term] = (), *, audit: AuditEntry) -> None:
        """Keep the watchlist and its terms, all or nothing.

        Raises Conflict for a name or reference in use, NotFound for the community or a term's watchlist.
        """
        async with self.writing() as unit:
            await insert_watchlist(unit, watchlist, terms, await unit.watched_has_changed())
            await add_entry(unit, audit)

    async def import_watchlists(
        self, community: Community, watchlists: Sequence[tuple[Watchlist, Sequence[Term]]], *, audit: AuditEntry
    ) -> None:
        """Keep the watchlists and their terms, and the community itself where there is none with its id, all
        or nothing. Raises Conflict for a name or reference in use, NotFound for a term's watchlist."""
        async with self.writing() as unit:
            revision = await unit.watched_has_changed()
            if await unit.session.get(CommunityRow, community.id) is None:
                await insert_community(unit, community)
            for watchlist, terms in watchlists:
                await insert_watchlist(unit, watchlist, terms, revision)
            await add_entry(unit, audit)

    async def watchlists(self, community_id: str, listing: Listing) -> Slice[Watchlist]:
        """Return the wanted slice, the oldest watchlist first, without those of tests. Raises NotFound for the
        community."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(WatchlistRow).where(
                col(WatchlistRow.community_id) == community_id, ~col(WatchlistRow.is_test)
            )
            return await slice_of(
                unit.session, statement, WatchlistRow, "created_at", listing, lambda row: _watchlist_of(keys, row)
            )

    async def watchlist(self, community_id: str, watchlist_id: str) -> Watchlist:
        """Return the watchlist. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(WatchlistRow, community_id, watchlist_id)
            return _watchlist_of(await unit.keys(community_id), row)

    async def delete_watchlist(self, community_id: str, watchlist_id: str, *, audit: AuditEntry) -> None:
        """Delete the watchlist and its terms; alerts and incidents stay. Raises NotFound, and Conflict for that of a
        canary."""
        async with self.writing() as unit:
            if (await unit.one(WatchlistRow, community_id, watchlist_id)).is_test:
                raise Conflict("this watchlist is a canary's and goes when the canary ends")
            await remove_watched(unit, WatchlistRow, community_id, watchlist_id)
            await add_entry(unit, audit)

    async def add_terms(self, community_id: str, terms: Sequence[Term], *, audit: AuditEntry) -> None:
        """Keep the terms, all or nothing. Raises Conflict for a reference in use, NotFound for a watchlist."""
        async with self.writing() as unit:
            await _add_terms(unit, await unit.keys(community_id), terms, await unit.watched_has_changed())
            await add_entry(unit, audit)

    async def terms(self, community_id: str, listing: Listing, *, watchlist_id: str | None = None) -> Slice[Term]:
        """Return the wanted slice, the oldest term first, expired ones too as long as they are kept, but no test's.

        Raises NotFound for the community or the watchlist.
        """
        tests = select(col(WatchlistRow.id)).where(
            col(WatchlistRow.community_id) == community_id, col(WatchlistRow.is_test)
        )
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(TermRow).where(
                col(TermRow.community_id) == community_id, col(TermRow.watchlist_id).not_in(tests)
            )
            if watchlist_id is not None:
                await unit.one(WatchlistRow, community_id, watchlist_id)
                statement = statement.where(col(TermRow.watchlist_id) == watchlist_id)
            return await slice_of(
                unit.session, statement, TermRow, "created_at", listing, lambda row: _term_of(keys, row)
            )

    async def term(self, community_id: str, term_id: str) -> Term:
        """Return the term. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(TermRow, community_id, term_id)
            return _term_of(await unit.keys(community_id), row)

    async def delete_term(self, community_id: str, term_id: str, *, audit: AuditEntry) -> None:
        """Delete the term. Raises NotFound, and Conflict for a canary's phrase."""
        async with self.writing() as unit:
            row = await unit.one(TermRow, community_id, term_id)
            if (await unit.one(WatchlistRow, community_id, row.watchlist_id)).is_test:
                raise Conflict("this term is a canary's phrase and goes when the canary ends")
            await remove_watched(unit, TermRow, community_id, term_id)
            await add_entry(unit, audit)

    async def search_terms(self, community_id: str, at: datetime) -> tuple[SearchTerm, ...]:
        """Return the community's terms that may be sent to search services at that moment, the oldest first.

        The column only spares unsealing the others: what a term's owner allowed stands in its sealed settings, so that
        nobody who can write into the database can have a term sent. Raises NotFound for the community.
        """
        own = select(TermRow).where(
            col(TermRow.community_id) == community_id, col(TermRow.kind).in_(SEARCH_PRIORITIES), _lasting(at)
        )
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            # This is asked before every poll. One by one, the two values are looked up in the index; together, or in
            # the order of age, all terms of the community would be gone through.
            rows = [
                row
                for value in (None, True)
                for row in await unit.session.scalars(own.where(col(TermRow.search_externally).is_(value)))
            ]

        def unsealed() -> tuple[SearchTerm, ...]:
            terms = (_term_of(keys, row) for row in sorted(rows, key=lambda row: (row.created_at, row.id)))
            return tuple(
                SearchTerm(id=term.id, text=term.value, priority=SEARCH_PRIORITIES[term.kind])
                for term in terms
                if term.settings.search_externally
            )

        return await asyncio.to_thread(unsealed)


async def remove_watched(unit: Unit, row: type[WatchlistRow] | type[TermRow], community_id: str, row_id: str) -> None:
    """Delete the watchlist, or the term, and tell of the terms that are gone with it. Raises NotFound."""
    revision = await unit.watched_has_changed()
    found = await unit.one(row, community_id, row_id)
    named_by = col(TermRow.id if row is TermRow else TermRow.watchlist_id)
    told_until = literal(unit.clock.now() + REMOVALS_TOLD_FOR, Moment)
    gone = select(col(TermRow.id), col(TermRow.community_id), literal(revision), told_until).where(named_by == row_id)
    names = ["id", "community_id", "revision", "expires_at"]
    await unit.session.execute(insert(table_of(RemovedTermRow)).from_select(names, gone))
    await unit.session.delete(found)


async def add_never(unit: Unit, community_id: str, term_id: str, text: str) -> None:
    """Add a text in which the term does not count, as a change of what is watched. Raises NotFound."""
    revision = await unit.watched_has_changed()
    row = await unit.one(TermRow, community_id, term_id, to_change=True)
    keys = await unit.keys(community_id)
    term = _term_of(keys, row)
    never = tuple(dict.fromkeys((*term.settings.never, text)))
    row.sealed = _sealed(keys, replace(term, settings=replace(term.settings, never=never)))
    row.revision = revision


@dataclass(frozen=True, slots=True)
class _Groups:
    """What terms belong to, all there is, with the communities' keys."""

    communities: tuple[Community, ...]
    watchlists: tuple[Watchlist, ...]
    keys: Mapping[str, CommunityKeys]


def _lasting(at: datetime) -> ColumnElement[bool]:
    return or_(col(TermRow.ends_at).is_(None), col(TermRow.ends_at) > at)


async def _revision(unit: Unit) -> int:
    return await unit.session.scalar(select(col(StateRow.catalogue_revision))) or 0


async def _removed(unit: Unit, since: int) -> frozenset[str]:
    removed = select(col(RemovedTermRow.id)).where(col(RemovedTermRow.revision) > since)
    return frozenset(await unit.session.scalars(removed))


async def _groups(unit: Unit) -> _Groups:
    communities = (
        await unit.session.scalars(select(CommunityRow).order_by(col(CommunityRow.created_at), col(CommunityRow.id)))
    ).all()
    watchlists = (
        await unit.session.scalars(select(WatchlistRow).order_by(col(WatchlistRow.created_at), col(WatchlistRow.id)))
    ).all()

    def unsealed() -> _Groups:
        keys = {row.id: unit.keyring.of(row) for row in communities}
        return _Groups(
            communities=tuple(community_of(keys[row.id], row) for row in communities),
            watchlists=tuple(_watchlist_of(keys[row.community_id], row) for row in watchlists),
            keys=keys,
        )

    return await asyncio.to_thread(unsealed)


async def _terms(unit: Unit, groups: _Groups, wanted: ColumnElement[bool]) -> list[Term]:
    """Return the wanted terms, the oldest first. They are read and unsealed by the thousand, as the rows need
    several times the memory; equal parts of the terms are kept once. A term whose watchlist came later than the
    groups were read belongs to a later revision, and is left to that."""
    watchlist_ids = {watchlist.id: watchlist.id for watchlist in groups.watchlists}
    settings: dict[TermSettings, TermSettings] = {}
    terms: list[Term] = []

    def unsealed(rows: Sequence[Any]) -> None:
        for row in rows:
            if row.watchlist_id in watchlist_ids:
                term = _term_of(groups.keys[row.community_id], row)
                equal = settings.setdefault(term.settings, term.settings)
                terms.append(replace(term, watchlist_id=watchlist_ids[row.watchlist_id], settings=equal))

    columns = [TermRow.id, TermRow.community_id, TermRow.watchlist_id, TermRow.kind, TermRow.sealed]
    ordered = select(*map(col, columns)).where(wanted).order_by(col(TermRow.created_at), col(TermRow.id))
    result = await unit.session.stream(ordered.execution_options(yield_per=_READ_AT_ONCE))
    async for rows in result.partitions():
        await asyncio.to_thread(unsealed, rows)
    return terms


async def insert_watchlist(unit: Unit, watchlist: Watchlist, terms: Sequence[Term], revision: int) -> None:
    """Keep the watchlist and its terms, at that revision of the catalogue. Raises Conflict for a name or reference in
    use, NotFound for the community or a term's watchlist."""
    keys = await unit.keys(watchlist.community_id)
    name_key = keys.hash(HashPurpose.NAME, watchlist.name)
    in_use = select(WatchlistRow).where(
        col(WatchlistRow.community_id) == watchlist.community_id, col(WatchlistRow.name_key) == name_key
    )
    if await unit.session.scalar(in_use) is not None:
        raise Conflict("a watchlist of this name exists already in this community")
    unit.session.add(
        WatchlistRow(
            id=watchlist.id,
            community_id=watchlist.community_id,
            name_key=name_key,
            sensitivity=watchlist.sensitivity,
            is_test=watchlist.is_test,
            sealed=seal(keys, WatchlistRow, watchlist.id, {"name": watchlist.name, "packs": watchlist.packs}),
            created_at=unit.clock.now(),
        )
    )
    await unit.session.flush()
    await _add_terms(unit, keys, terms, revision)


async def _add_terms(unit: Unit, keys: CommunityKeys, terms: Sequence[Term], revision: int) -> None:
    reference_keys = [keys.hash(HashPurpose.REFERENCE, term.reference) for term in terms]
    await _check_watchlists(unit, keys.community_id, terms)
    await _check_references(unit, keys.community_id, reference_keys)
    now = unit.clock.now()
    if terms:
        rows = [_row_of(keys, term, key, now, revision) for term, key in zip(terms, reference_keys, strict=True)]
        await unit.session.execute(insert(table_of(TermRow)), rows)


async def _check_watchlists(unit: Unit, community_id: str, terms: Sequence[Term]) -> None:
    wanted = {term.watchlist_id for term in terms}
    there: set[str] = set()
    for chunk in chunks(sorted(wanted)):
        there.update(
            await unit.session.scalars(
                select(col(WatchlistRow.id)).where(
                    col(WatchlistRow.community_id) == community_id, col(WatchlistRow.id).in_(chunk)
                )
            )
        )
    for number, term in enumerate(terms, start=1):
        if term.watchlist_id not in there:
            raise NotFound(f"the watchlist of term {number} of {len(terms)} does not exist in this community")


async def _check_references(unit: Unit, community_id: str, reference_keys: Sequence[bytes]) -> None:
    taken: set[bytes] = set()
    for chunk in chunks(reference_keys):
        taken.update(
            await unit.session.scalars(
                select(col(TermRow.reference_key)).where(
                    col(TermRow.community_id) == community_id, col(TermRow.reference_key).in_(chunk)
                )
            )
        )
    for number, key in enumerate(reference_keys, start=1):
        if key in taken:
            raise Conflict(
                f"the reference of term {number} of {len(reference_keys)} is in use already in this community"
            )
        taken.add(key)


def _row_of(
    keys: CommunityKeys, term: Term, reference_key: bytes, created_at: datetime, revision: int
) -> dict[str, object]:
    return {
        "id": term.id,
        "community_id": keys.community_id,
        "watchlist_id": term.watchlist_id,
        "kind": term.kind,
        "reference_key": reference_key,
        "sealed": _sealed(keys, term),
        "ends_at": term.settings.ends_at,
        "search_externally": term.settings.search_externally,
        "created_at": created_at,
        "revision": revision,
    }


def _sealed(keys: CommunityKeys, term: Term) -> bytes:
    content = {
        "reference": term.reference,
        "value": term.value,
        "variants": term.variants,
        "settings": term.settings,
    }
    return seal(keys, TermRow, term.id, content)


def _term_of(keys: CommunityKeys, row: Any) -> Term:
    content = unseal(keys, TermRow, row.id, row.sealed)
    return Term(
        id=row.id,
        reference=content["reference"],
        watchlist_id=row.watchlist_id,
        kind=TermKind(row.kind),
        value=content["value"],
        variants=tuple(content["variants"]),
        settings=term_settings_of(content["settings"]),
    )


def _watchlist_of(keys: CommunityKeys, row: WatchlistRow) -> Watchlist:
    content = unseal(keys, WatchlistRow, row.id, row.sealed)
    return Watchlist(
        id=row.id,
        community_id=row.community_id,
        name=content["name"],
        sensitivity=Sensitivity(row.sensitivity),
        is_test=row.is_test,
        packs=tuple(content["packs"]),
    )
