"""What kinds of things were told of members. The things themselves are not kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from core.crypto import HashPurpose
from core.db.database import Unit
from core.db.sealing import seal, unseal
from core.db.tables import PieceRow
from core.ids import new_id
from core.types import Piece


async def add_piece(unit: Unit, community_id: str, member: str, piece: Piece, *, until: datetime) -> None:
    """Keep the piece of the member until that time; one that is known keeps its first date and place. Raises NotFound
    for the community."""
    keys = await unit.keys(community_id)
    row_id = new_id("pce")
    document_key = keys.hash(HashPurpose.PIECE, "document", piece.document_digest)
    content = {"kind": piece.kind, "document": document_key.hex(), "site": piece.site}
    unit.add(
        PieceRow,
        id=row_id,
        community_id=community_id,
        member_key=keys.hash(HashPurpose.MEMBER, member),
        # The same thing told of two members has unrelated hashes.
        piece_key=keys.hash(HashPurpose.PIECE, member, piece.kind, piece.digest),
        sealed=seal(keys, PieceRow, row_id, content),
        seen_at=piece.seen_at,
        expires_at=until,
    )


async def pieces(unit: Unit, community_id: str, member: str) -> tuple[Piece, ...]:
    """Return what was told of the member and is not forgotten, in order. Raises NotFound for the community."""
    keys = await unit.keys(community_id)
    rows = await unit.session.scalars(
        select(PieceRow)
        .where(
            col(PieceRow.community_id) == community_id,
            col(PieceRow.member_key) == keys.hash(HashPurpose.MEMBER, member),
            col(PieceRow.expires_at) > unit.clock.now(),
        )
        .order_by(col(PieceRow.seen_at), col(PieceRow.id))
    )
    found = []
    for row in rows:
        content = unseal(keys, PieceRow, row.id, row.sealed)
        found.append(
            Piece(
                kind=content["kind"],
                digest=row.piece_key.hex(),
                document_digest=content["document"],
                site=content["site"],
                seen_at=row.seen_at,
            )
        )
    return tuple(found)
