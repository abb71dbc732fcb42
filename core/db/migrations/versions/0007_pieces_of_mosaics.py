"""What kinds of things were told of members, so that pieces can be seen to add up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "piece",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("member_key", sa.LargeBinary(), nullable=False),
        sa.Column("piece_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name="fk_piece_community_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_piece"),
        sa.UniqueConstraint(
            "community_id", "member_key", "piece_key", name="uq_piece_community_id_member_key_piece_key"
        ),
    )
    op.create_index("ix_piece_expires_at", "piece", ["expires_at"])


def downgrade() -> None:
    op.drop_table("piece")
