"""What is watched: watchlists, terms, and the catalogue of all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, or_, select
from sqlmodel import col

from core.crypto import CommunityKeys, HashPurpose
from core.db.communities import community_of, insert_community
from core.db.database import Database, Unit, chunks
from core.db.journal import add_entry
from core.db.listing import slice_of
from core.db.sealing import seal, term_settings_of, unseal
from core.db.tables import CommunityRow, StateRow, TermRow, WatchlistRow, table_of
from core.errors import Conflict, NotFound
from core.ports import Listing, Slice
from core.types import AuditEntry, Catalogue, Community, Sensitivity, Term, TermKind, Watchlist


class Watched(Database):
    """The part of the store about watchlists and terms."""

    async def catalogue(self, at: datetime) -> Catalogue:
        """Return everything watched at that moment; expired terms are left out, topic packs are not kept here."""
        async with self.reading() as unit:
            # The revision comes first: what changes while the rest is read then has a higher one.
            revision = await unit.session.scalar(select(col(StateRow.catalogue_revision)))
            communities = (
                await unit.session.scalars(
                    select(CommunityRow).order_by(col(CommunityRow.created_at), col(CommunityRow.id))
                )
            ).all()
            watchlists = (
                await unit.session.scalars(
                    select(WatchlistRow).order_by(col(WatchlistRow.created_at), col(WatchlistRow.id))
                )
            ).all()
            terms = (
                await unit.session.scalars(
                    select(TermRow)
                    .where(or_(col(TermRow.ends_at).is_(None), col(TermRow.ends_at) > at))
                    .order_by(col(TermRow.created_at), col(TermRow.id))
                )
            ).all()
            keys = {row.id: unit.keyring.of(row) for row in communities}

        def unsealed() -> Catalogue:
            return Catalogue(
                communities=tuple(community_of(keys[row.id], row) for row in communities),
                watchlists=tuple(_watchlist_of(keys[row.community_id], row) for row in watchlists),
                terms=tuple(_term_of(keys[row.community_id], row) for row in terms),
                revision=revision or 0,
            )

        return await asyncio.to_thread(unsealed)

    async def catalogue_revision(self) -> int:
        """Return a number that grows with every change of what is watched."""
        async with self.reading() as unit:
            return await unit.session.scalar(select(col(StateRow.catalogue_revision))) or 0

    async def add_watchlist(self, watchlist: Watchlist, terms: Sequence[Term] = (), *, audit: AuditEntry) -> None:
        """Keep the watchlist and its terms, all or nothing.

        Raises Conflict for a name or reference in use, NotFound for the community or a term's watchlist.
        """
        async with self.writing() as unit:
            await _add_watchlist(unit, watchlist, terms)
            await add_entry(unit, audit)
            await unit.watched_has_changed()

    async def import_watchlists(
        self, community: Community, watchlists: Sequence[tuple[Watchlist, Sequence[Term]]], *, audit: AuditEntry
    ) -> None:
        """Keep the watchlists and their terms, and the community itself where there is none with its id, all
        or nothing. Raises Conflict for a name or reference in use, NotFound for a term's watchlist."""
        async with self.writing() as unit:
            if await unit.session.get(CommunityRow, community.id) is None:
                await insert_community(unit, community)
            for watchlist, terms in watchlists:
                await _add_watchlist(unit, watchlist, terms)
            await add_entry(unit, audit)
            await unit.watched_has_changed()

    async def watchlists(self, community_id: str, listing: Listing) -> Slice[Watchlist]:
        """Return the wanted slice, the oldest watchlist first. Raises NotFound for the community."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(WatchlistRow).where(col(WatchlistRow.community_id) == community_id)
            return await slice_of(
                unit.session, statement, WatchlistRow, "created_at", listing, lambda row: _watchlist_of(keys, row)
            )

    async def watchlist(self, community_id: str, watchlist_id: str) -> Watchlist:
        """Return the watchlist. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(WatchlistRow, community_id, watchlist_id)
            return _watchlist_of(await unit.keys(community_id), row)

    async def delete_watchlist(self, community_id: str, watchlist_id: str, *, audit: AuditEntry) -> None:
        """Delete the watchlist and its terms; alerts and incidents stay. Raises NotFound."""
        await self._delete(WatchlistRow, community_id, watchlist_id, audit)

    async def add_terms(self, community_id: str, terms: Sequence[Term], *, audit: AuditEntry) -> None:
        """Keep the terms, all or nothing. Raises Conflict for a reference in use, NotFound for a watchlist."""
        async with self.writing() as unit:
            await _add_terms(unit, await unit.keys(community_id), terms)
            await add_entry(unit, audit)
            await unit.watched_has_changed()

    async def terms(self, community_id: str, listing: Listing, *, watchlist_id: str | None = None) -> Slice[Term]:
        """Return the wanted slice, the oldest term first, expired ones too as long as they are kept.

        Raises NotFound for the community or the watchlist.
        """
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            statement = select(TermRow).where(col(TermRow.community_id) == community_id)
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
        """Delete the term. Raises NotFound."""
        await self._delete(TermRow, community_id, term_id, audit)

    async def _delete(
        self, row: type[WatchlistRow] | type[TermRow], community_id: str, row_id: str, audit: AuditEntry
    ) -> None:
        async with self.writing() as unit:
            await unit.session.delete(await unit.one(row, community_id, row_id))
            await add_entry(unit, audit)
            await unit.watched_has_changed()


async def _add_watchlist(unit: Unit, watchlist: Watchlist, terms: Sequence[Term]) -> None:
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
            sealed=seal(keys, WatchlistRow, watchlist.id, {"name": watchlist.name, "packs": watchlist.packs}),
            created_at=unit.clock.now(),
        )
    )
    await unit.session.flush()
    await _add_terms(unit, keys, terms)


async def _add_terms(unit: Unit, keys: CommunityKeys, terms: Sequence[Term]) -> None:
    reference_keys = [keys.hash(HashPurpose.REFERENCE, term.reference) for term in terms]
    await _check_watchlists(unit, keys.community_id, terms)
    await _check_references(unit, keys.community_id, reference_keys)
    now = unit.clock.now()
    if terms:
        rows = [_row_of(keys, term, key, now) for term, key in zip(terms, reference_keys, strict=True)]
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


def _row_of(keys: CommunityKeys, term: Term, reference_key: bytes, created_at: datetime) -> dict[str, object]:
    content = {
        "reference": term.reference,
        "value": term.value,
        "variants": term.variants,
        "settings": term.settings,
    }
    return {
        "id": term.id,
        "community_id": keys.community_id,
        "watchlist_id": term.watchlist_id,
        "kind": term.kind,
        "reference_key": reference_key,
        "sealed": seal(keys, TermRow, term.id, content),
        "ends_at": term.settings.ends_at,
        "created_at": created_at,
    }


def _term_of(keys: CommunityKeys, row: TermRow) -> Term:
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
        packs=tuple(content["packs"]),
    )
