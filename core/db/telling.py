"""Which incidents a delivery of several tells of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import case, select
from sqlmodel import col

from core.crypto import CommunityKeys
from core.db.database import Database, Unit, chunks
from core.db.incidents import incident_of
from core.db.tables import DeliveryIncidentRow, DeliveryRow, DigestIncidentRow, IncidentRow
from core.types import Delivery, EventType, ToldIncident

TellingRow = DeliveryIncidentRow | DigestIncidentRow


class Telling(Database):
    """The part of the store about deliveries of several incidents."""

    async def told_incidents(self, community_id: str, delivery_id: str) -> tuple[ToldIncident, ...]:
        """Return the incidents, as they are now, of a delivery that tells of several: the gravest first, among equals
        the one seen first. Raises NotFound."""
        async with self.reading() as unit:
            await unit.one(DeliveryRow, community_id, delivery_id)
            keys = await unit.keys(community_id)
            rows = await unit.session.execute(
                select(DeliveryIncidentRow, IncidentRow)
                .join(IncidentRow, col(IncidentRow.id) == col(DeliveryIncidentRow.incident_id))
                .where(
                    col(DeliveryIncidentRow.community_id) == community_id,
                    col(DeliveryIncidentRow.delivery_id) == delivery_id,
                )
                .order_by(col(IncidentRow.score).desc(), col(IncidentRow.first_seen_at), col(IncidentRow.id))
            )
            return tuple(told_incident_of(keys, *row) for row in rows)


async def tell_of(unit: Unit, delivery: Delivery, told: Sequence[ToldIncident]) -> None:
    """Have the delivery tell of these incidents, besides those that it tells of already. Of one that it tells of, the
    later event counts, but that it is new stays; its alerts are told since the earlier moment. Raises NotFound for
    delivery or incident."""
    owner = {"community_id": delivery.community_id, "delivery_id": delivery.id}
    await add_told(unit, DeliveryIncidentRow, owner, told)


async def add_told(unit: Unit, row: type[TellingRow], owner: Mapping[str, str], told: Sequence[ToldIncident]) -> None:
    """Add the incidents to what is told of, by the rule of :func:`tell_of`. ``owner`` are the columns that say who
    tells of them. Raises NotFound."""
    for chunk in chunks(told):
        insertion = unit.insert(row).values(
            [{**owner, "incident_id": one.incident.id, "event": one.event, "since": one.since} for one in chunk]
        )
        event, since = col(row.event), col(row.since)
        stays_new = (event == EventType.INCIDENT_OPENED) & (insertion.excluded.event == EventType.INCIDENT_UPDATED)
        await unit.session.execute(
            insertion.on_conflict_do_update(
                index_elements=[name for name in (*owner, "incident_id") if name != "community_id"],
                set_={
                    "event": case((stays_new, event), else_=insertion.excluded.event),
                    "since": case((since < insertion.excluded.since, since), else_=insertion.excluded.since),
                },
            )
        )


def told_incident_of(keys: CommunityKeys, told: TellingRow, incident: IncidentRow) -> ToldIncident:
    """Return what the row tells of, as it is now. Raises CryptoError."""
    return ToldIncident(incident=incident_of(keys, incident), event=EventType(told.event), since=told.since)
