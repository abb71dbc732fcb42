"""What incidents are found by when an alert is about the same leak: keyed hashes of what both have in common, and
sealed traces of their texts as proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Mapped
from sqlmodel import col

from core.crypto import HashPurpose
from core.db.database import Unit, chunks
from core.db.tables import IncidentKeyRow, IncidentRow, TraceRow
from core.ids import new_id
from core.ports import MOST_JOINABLE
from core.types import Incident

MOST_TRACES = 8
"""How many versions of its text an incident is known by."""


async def joinable_rows(unit: Unit, community_id: str, join_keys: Sequence[str]) -> Sequence[IncidentRow]:
    """Return the incidents that have one of the join keys, the one with most of them first, among equals the newest;
    at most ``MOST_JOINABLE``. They are to be changed. Raises NotFound for the community."""
    hashes = await _hashes(unit, community_id, join_keys) - unit.absent_keys
    if not hashes:
        return ()
    shared = (
        select(col(IncidentKeyRow.incident_id), func.count().label("count"))
        .where(
            col(IncidentKeyRow.community_id) == community_id,
            col(IncidentKeyRow.join_key).in_(hashes),
            _lasts(unit, col(IncidentKeyRow.expires_at)),
        )
        .group_by(col(IncidentKeyRow.incident_id))
        .subquery()
    )
    statement = (
        select(IncidentRow)
        .join(shared, shared.c.incident_id == col(IncidentRow.id))
        .where(col(IncidentRow.community_id) == community_id)
        .order_by(shared.c.count.desc(), col(IncidentRow.first_seen_at).desc(), col(IncidentRow.id))
        .limit(MOST_JOINABLE)
        .with_for_update(of=IncidentRow)
    )
    return (await unit.session.scalars(statement)).all()


async def look_up_join_keys(unit: Unit, community_id: str, join_keys: Iterable[str]) -> None:
    """Find out at once which of the keys no incident has: asking for their incidents costs nothing then. Raises
    NotFound for the community."""
    hashes = await _hashes(unit, community_id, join_keys) - unit.absent_keys
    for chunk in chunks(sorted(hashes)):
        unit.absent_keys.update(chunk)
        unit.absent_keys.difference_update(
            await unit.session.scalars(
                select(col(IncidentKeyRow.join_key)).where(
                    col(IncidentKeyRow.community_id) == community_id, col(IncidentKeyRow.join_key).in_(chunk)
                )
            )
        )


async def add_join_keys(unit: Unit, incident: Incident, join_keys: Sequence[str], *, until: datetime | None) -> None:
    """Let the incident be found by the keys until that time."""
    hashes = await _hashes(unit, incident.community_id, join_keys)
    unit.absent_keys.difference_update(hashes)
    for key in sorted(hashes):
        unit.add(
            IncidentKeyRow,
            community_id=incident.community_id,
            join_key=key,
            incident_id=incident.id,
            expires_at=until,
        )


async def keep_traces(unit: Unit, incident: Incident, *, until: datetime) -> None:
    """Keep what the incident's leak is known again by until that time."""
    await unit.change(update(TraceRow).where(col(TraceRow.incident_id) == incident.id).values(expires_at=until))


async def traces(unit: Unit, community_id: str, incident_ids: Sequence[str]) -> Mapping[str, tuple[bytes, ...]]:
    """Return what was kept to know the leak of each of the incidents again, the newest first. Raises NotFound for the
    community."""
    keys = await unit.keys(community_id)
    found: dict[str, tuple[bytes, ...]] = dict.fromkeys(incident_ids, ())
    if found:
        rows = await unit.session.scalars(
            select(TraceRow)
            .where(
                col(TraceRow.community_id) == community_id,
                col(TraceRow.incident_id).in_(found),
                _lasts(unit, col(TraceRow.expires_at)),
            )
            .order_by(col(TraceRow.created_at).desc(), col(TraceRow.id))
        )
        for row in rows:
            trace = keys.open(row.sealed, table=str(TraceRow.__tablename__), column="sealed", row_id=row.id)
            found[row.incident_id] += (trace,)
    return found


async def add_first_trace(unit: Unit, incident: Incident, trace: bytes, *, until: datetime) -> None:
    """Keep the trace of an incident that has none until that time. Raises NotFound for the community, and for the
    incident when the unit ends."""
    keys = await unit.keys(incident.community_id)
    trace_id = new_id("trc")
    unit.add(
        TraceRow,
        id=trace_id,
        community_id=incident.community_id,
        incident_id=incident.id,
        sealed=keys.seal(trace, table=str(TraceRow.__tablename__), column="sealed", row_id=trace_id),
        created_at=incident.updated_at,
        expires_at=until,
    )


async def add_trace(unit: Unit, incident: Incident, trace: bytes, *, until: datetime) -> None:
    """Keep the trace until that time; the oldest of too many is forgotten.

    Raises NotFound for the incident.
    """
    await add_first_trace(unit, incident, trace, until=until)
    own = col(TraceRow.incident_id) == incident.id
    newest = select(col(TraceRow.id)).where(own).order_by(col(TraceRow.created_at).desc(), col(TraceRow.id))
    await unit.change(delete(TraceRow).where(own, col(TraceRow.id).not_in(newest.limit(MOST_TRACES))))


async def _hashes(unit: Unit, community_id: str, join_keys: Iterable[str]) -> set[bytes]:
    keys = await unit.keys(community_id)
    return {keys.hash(HashPurpose.JOIN, key) for key in join_keys}


def _lasts(unit: Unit, expires_at: Mapped[Any]) -> ColumnElement[bool]:
    return or_(expires_at.is_(None), expires_at > unit.clock.now())
