"""Mosaics: small pieces about one member, none of them grave, that together say who it is.

A first name here, an employer there, a town elsewhere: each is an alert at most, and each may be forgotten. So of
every alert about one member it is kept what *kind* of thing was told, when and on which site, and a keyed hash that
only tells equal things from others. When the kinds complete a set of ``mosaic.yaml``, an incident of its own opens.
What was told is never kept: a list of everything about a member would be the dossier that it is to warn of.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from pydantic import BaseModel, ConfigDict, Field

from alerting.incidents import open_incident
from alerting.links import site_of
from alerting.reading import plain
from alerting.signals import read_table, signal_table
from core.ids import new_id
from core.ports import Transaction
from core.types import Alert, AlertClass, EntityType, Piece, Signal, TermKind

SIGNAL = "mosaic"
PIECE_SIGNAL = "mosaic_piece"
_MOST_SHOWN = 20


class _Set(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: frozenset[EntityType] = Field(min_length=2)
    why: str


class _Sets(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    score: int = Field(ge=0, le=100)
    text: str
    piece: str
    sets: tuple[_Set, ...]


@cache
def mosaic_table() -> _Sets:
    """Return the sets of kinds that identify. Raises SettingsError naming what is wrong in the file."""
    return read_table("mosaic.yaml", _Sets)


async def add_to_mosaic(
    transaction: Transaction, alert: Alert, *, at: datetime, remember: timedelta
) -> tuple[Alert, ...]:
    """Remember for so long what kinds of things the alert tells of its member, and open an incident for each set of
    them that is complete now. Returns the alerts of these incidents. Raises StoreError.

    An alert about several members tells nothing here: whose the things are is not known. A set that stands in one
    document alone opens nothing, as that document's own alert tells of it.
    """
    if len(alert.members) != 1:
        return ()
    told = tuple(_told(alert, at))
    member = json.dumps((alert.watchlist_id, *alert.members[0]))
    for piece in told:
        await transaction.add_piece(alert.community_id, member, piece, until=at + remember)
    if not told:
        return ()
    known = await transaction.pieces(alert.community_id, member)
    raised = []
    for kinds in _completed(known, frozenset(piece.kind for piece in told)):
        key = json.dumps((SIGNAL, member, sorted(kinds)))
        if not await transaction.joinable_incidents(alert.community_id, [key]):
            shown = [piece for piece in known if piece.kind in kinds][:_MOST_SHOWN]
            one = _alert(alert, kinds, shown)
            incident = await open_incident(transaction, one, [key], at=at, until=at + remember)
            raised.append(replace(one, incident_id=incident.id))
    return tuple(raised)


def _told(alert: Alert, at: datetime) -> Iterator[Piece]:
    """Yield what the alert tells of its member: what is linked to it, and a watched name."""
    document = alert.document
    document_digest = json.dumps((document.source, document.external_id or document.id))
    things = {(entity.type.value, plain(entity.found)) for entity in alert.linked}
    things |= {(EntityType.PERSON.value, plain(match.found)) for match in alert.matches if match.kind is TermKind.NAME}
    for kind, thing in sorted(things):
        yield Piece(kind=kind, digest=thing, document_digest=document_digest, site=site_of(document), seen_at=at)


def _completed(known: Sequence[Piece], new: frozenset[str]) -> Iterator[frozenset[str]]:
    """Yield the sets that what is known completes with one of the new kinds, unless one document has all of it."""
    every = {piece.kind for piece in known}
    by_document: defaultdict[str, set[str]] = defaultdict(set)
    for piece in known:
        by_document[piece.document_digest].add(piece.kind)
    for row in mosaic_table().sets:
        kinds = frozenset(kind.value for kind in row.kinds)
        is_in_one = any(kinds <= one for one in by_document.values())
        if kinds <= every and kinds & new and not is_in_one:
            yield kinds


def _alert(last: Alert, kinds: frozenset[str], pieces: Sequence[Piece]) -> Alert:
    """Return the alert that shows the pieces in order. Its place is that of the last piece."""
    table = mosaic_table()
    names = [_name(kind) for kind in sorted(kinds)]
    whole = Signal(
        name=SIGNAL,
        points=table.score,
        text=table.text.format(
            kinds=f"{', '.join(names[:-1])} and {names[-1]}",
            documents=len({piece.document_digest for piece in pieces}),
            since=f"{pieces[0].seen_at:%Y-%m-%d}",
        ),
    )
    shown = [
        Signal(
            name=PIECE_SIGNAL,
            points=0,
            text=table.piece.format(
                kind=_name(piece.kind),
                date=f"{piece.seen_at:%Y-%m-%d}",
                site="" if piece.site is None else f" on {piece.site}",
            ),
        )
        for piece in pieces
    ]
    return replace(last, id=new_id("alt"), alert_class=AlertClass.LINKAGE, score=table.score, signals=(whole, *shown))


def _name(kind: str) -> str:
    if kind == EntityType.PERSON:
        return "a name"
    return signal_table().particulars[EntityType(kind)].name
