"""The rotation in which moderators are on call, and the incidents that wait for them."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import delete, select
from sqlmodel import col

from core.crypto import CommunityKeys
from core.db.database import Database, Unit
from core.db.journal import add_entry
from core.db.sealing import seal, unseal
from core.db.tables import EscalationRow, ModeratorRow, OverrideRow, RotationRow
from core.errors import Conflict, NotFound
from core.types import AuditEntry, Escalation, Override, Rotation, Severity


class Rotations(Database):
    """The part of the store about who is on call."""

    async def add_rotation(self, rotation: Rotation, *, audit: AuditEntry) -> None:
        """Keep the rotation, without overrides. Raises NotFound for one of the moderators, and Conflict where the
        community has a rotation."""
        async with self.writing() as unit:
            keys = await unit.keys(rotation.community_id)
            if await rotation_of_community(unit, rotation.community_id) is not None:
                raise Conflict("this community has a rotation: change it, or delete it first")
            await _require_moderators(unit, rotation)
            unit.session.add(
                RotationRow(id=rotation.id, community_id=rotation.community_id, sealed=_sealed(keys, rotation))
            )
            await add_entry(unit, audit)

    async def change_rotation(self, rotation: Rotation, *, audit: AuditEntry) -> None:
        """Keep the rotation in place of what was kept under its id; its overrides stay as they are. Raises NotFound."""
        async with self.writing() as unit:
            row = await unit.one(RotationRow, rotation.community_id, rotation.id, to_change=True)
            await _require_moderators(unit, rotation)
            row.sealed = _sealed(await unit.keys(rotation.community_id), rotation)
            await add_entry(unit, audit)

    async def delete_rotation(self, community_id: str, rotation_id: str, *, audit: AuditEntry) -> None:
        """Delete the rotation; incidents that wait are escalated no further. Raises NotFound."""
        async with self.writing() as unit:
            await unit.session.delete(await unit.one(RotationRow, community_id, rotation_id))
            await add_entry(unit, audit)

    async def rotation_of(self, community_id: str) -> Rotation | None:
        """Return the community's rotation; None where it has none. Raises NotFound for the community."""
        async with self.reading() as unit:
            return await rotation_of_community(unit, community_id)

    async def rotation(self, community_id: str, rotation_id: str) -> Rotation:
        """Return the rotation. Raises NotFound."""
        async with self.reading() as unit:
            row = await unit.one(RotationRow, community_id, rotation_id)
            return await _rotation_of(unit, row)

    async def add_override(
        self, community_id: str, rotation_id: str, override: Override, *, audit: AuditEntry
    ) -> Rotation:
        """Add the override; return the rotation with it. Raises NotFound for the rotation and the moderators."""
        async with self.writing() as unit:
            row = await unit.one(RotationRow, community_id, rotation_id)
            unit.session.add(
                OverrideRow(
                    id=override.id,
                    community_id=community_id,
                    rotation_id=rotation_id,
                    moderator_id=override.moderator_id,
                    substitute_id=override.substitute_id,
                    from_at=override.from_at,
                    until_at=override.until_at,
                )
            )
            await unit.session.flush()
            await add_entry(unit, audit)
            return await _rotation_of(unit, row)

    async def delete_override(
        self, community_id: str, rotation_id: str, override_id: str, *, audit: AuditEntry
    ) -> None:
        """Delete the override. Raises NotFound."""
        async with self.writing() as unit:
            row = await unit.one(OverrideRow, community_id, override_id)
            if row.rotation_id != rotation_id:
                raise NotFound("there is no such override in this rotation")
            await unit.session.delete(row)
            await add_entry(unit, audit)

    async def due_escalations(self, at: datetime) -> tuple[tuple[str, str], ...]:
        """Return the incidents of which the escalation is due, that due longest first: community's and incident's
        ids."""
        statement = (
            select(col(EscalationRow.community_id), col(EscalationRow.id))
            .where(col(EscalationRow.due_at) <= at)
            .order_by(col(EscalationRow.due_at), col(EscalationRow.id))
        )
        async with self.reading() as unit:
            return tuple((community_id, id_) for community_id, id_ in await unit.session.execute(statement))

    async def escalation(self, community_id: str, incident_id: str) -> Escalation | None:
        """Return the escalation of the incident; None where it does not wait for anybody."""
        async with self.reading() as unit:
            return await escalation_of_incident(unit, community_id, incident_id)


async def rotation_of_community(unit: Unit, community_id: str) -> Rotation | None:
    """Return the community's rotation, read once a unit; None where it has none. Raises NotFound for the community."""
    if community_id not in unit.rotations:
        await unit.keys(community_id)
        row = await unit.session.scalar(select(RotationRow).where(col(RotationRow.community_id) == community_id))
        unit.rotations[community_id] = None if row is None else await _rotation_of(unit, row)
    return unit.rotations[community_id]


async def escalation_of_incident(unit: Unit, community_id: str, incident_id: str) -> Escalation | None:
    """Return the escalation of the incident; None where it does not wait for anybody."""
    row = await unit.session.get(EscalationRow, incident_id)
    if row is None or row.community_id != community_id:
        return None
    return Escalation(
        incident_id=row.id,
        community_id=row.community_id,
        rotation_id=row.rotation_id,
        waiting_since=row.waiting_since,
        due_at=row.due_at,
        asked_ids=tuple(row.asked_ids.split()),
        round_number=row.round_number,
    )


async def save_escalation(unit: Unit, escalation: Escalation) -> None:
    """Insert or update the escalation."""
    await unit.session.merge(
        EscalationRow(
            id=escalation.incident_id,
            community_id=escalation.community_id,
            rotation_id=escalation.rotation_id,
            waiting_since=escalation.waiting_since,
            due_at=escalation.due_at,
            asked_ids=" ".join(escalation.asked_ids),
            round_number=escalation.round_number,
        )
    )


async def end_escalation(unit: Unit, community_id: str, incident_id: str) -> None:
    """Forget that the incident waits, if it does."""
    await unit.change(
        delete(EscalationRow).where(
            col(EscalationRow.id) == incident_id, col(EscalationRow.community_id) == community_id
        )
    )


async def _require_moderators(unit: Unit, rotation: Rotation) -> None:
    for moderator_id in rotation.moderator_ids:
        await unit.one(ModeratorRow, rotation.community_id, moderator_id)


def _sealed(keys: CommunityKeys, rotation: Rotation) -> bytes:
    content = {
        "name": rotation.name,
        "moderator_ids": rotation.moderator_ids,
        "starts_on": rotation.starts_on.isoformat(),
        "handover_at": rotation.handover_at.isoformat(),
        "time_zone": rotation.time_zone,
        "shift_days": rotation.shift_days,
        "minimum_severity": rotation.minimum_severity,
        "critical_minutes": rotation.critical_minutes,
        "other_minutes": rotation.other_minutes,
    }
    return seal(keys, RotationRow, rotation.id, content)


async def _rotation_of(unit: Unit, row: RotationRow) -> Rotation:
    content = unseal(await unit.keys(row.community_id), RotationRow, row.id, row.sealed)
    overrides = await unit.session.scalars(
        select(OverrideRow)
        .where(col(OverrideRow.rotation_id) == row.id)
        .order_by(col(OverrideRow.from_at), col(OverrideRow.id))
    )
    return Rotation(
        id=row.id,
        community_id=row.community_id,
        **{
            **content,
            "moderator_ids": tuple(content["moderator_ids"]),
            "starts_on": date.fromisoformat(content["starts_on"]),
            "handover_at": time.fromisoformat(content["handover_at"]),
            "minimum_severity": Severity(content["minimum_severity"]),
        },
        overrides=tuple(
            Override(
                id=one.id,
                moderator_id=one.moderator_id,
                from_at=one.from_at,
                until_at=one.until_at,
                substitute_id=one.substitute_id,
            )
            for one in overrides
        ),
    )
