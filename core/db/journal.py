"""The audit log, and the answers remembered for repeated requests."""

from __future__ import annotations

import base64
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from core.crypto import CommunityKeys, HashPurpose
from core.db.database import Database, Unit
from core.db.listing import slice_of
from core.db.sealing import seal, unseal
from core.db.tables import AnswerRow, AuditRow
from core.ports import Listing, RememberedAnswer, Slice
from core.types import AuditEntry


class Journal(Database):
    """The part of the store about what was asked and done."""

    async def record(self, entry: AuditEntry) -> None:
        """Add to the audit log. Raises NotFound for its community."""
        async with self.writing() as unit:
            await add_entry(unit, entry)

    async def audit_log(self, community_id: str, listing: Listing) -> Slice[AuditEntry]:
        """Return the wanted slice of the community's audit log, the oldest entry first. Raises NotFound."""
        async with self.reading() as unit:
            await unit.keys(community_id)
            statement = select(AuditRow).where(col(AuditRow.community_id) == community_id)
            return await slice_of(unit.session, statement, AuditRow, "at", listing, _entry_of)

    async def remembered_answer(self, community_id: str, key: str, at: datetime) -> RememberedAnswer | None:
        """Return the answer once given to a request with this idempotency key, None once it has expired."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            request_key = keys.hash(HashPurpose.ANSWER, key)
            row = await unit.session.get(AnswerRow, (community_id, request_key))
            return None if row is None or row.expires_at <= at else _answer_of(keys, row)

    async def remember_answer(self, community_id: str, key: str, answer: RememberedAnswer, *, until: datetime) -> None:
        """Keep the answer in place of one kept before."""
        async with self.writing() as unit:
            keys = await unit.keys(community_id)
            request_key = keys.hash(HashPurpose.ANSWER, key)
            content = {
                # A digest in clear would let a reader of the file try what the request may have said.
                "request_digest": answer.request_digest.hex(),
                "status": answer.status,
                "body": base64.b64encode(answer.body).decode(),
            }
            await unit.session.merge(
                AnswerRow(
                    community_id=community_id,
                    request_key=request_key,
                    sealed=seal(keys, AnswerRow, request_key.hex(), content),
                    expires_at=until,
                )
            )


async def add_entry(unit: Unit, entry: AuditEntry) -> None:
    """Add to the audit log. Raises NotFound for its community."""
    await unit.keys(entry.community_id)
    unit.session.add(
        AuditRow(
            id=entry.id,
            community_id=entry.community_id,
            actor=entry.actor,
            action=entry.action,
            object_id=entry.object_id,
            at=entry.at,
        )
    )


def _entry_of(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        community_id=row.community_id,
        actor=row.actor,
        action=row.action,
        object_id=row.object_id,
        at=row.at,
    )


def _answer_of(keys: CommunityKeys, row: AnswerRow) -> RememberedAnswer:
    content = unseal(keys, AnswerRow, row.request_key.hex(), row.sealed)
    return RememberedAnswer(
        request_digest=bytes.fromhex(content["request_digest"]),
        status=content["status"],
        body=base64.b64decode(content["body"]),
    )
