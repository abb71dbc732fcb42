"""Terms know the catalogue's revision that brought them, and removed ones are told of for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("term", sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index("ix_term_revision", "term", ["revision"])
    op.create_table(
        "removed_term",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name="fk_removed_term_community_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_removed_term"),
    )
    op.create_index("ix_removed_term_revision", "removed_term", ["revision"])
    op.create_index("ix_removed_term_expires_at", "removed_term", ["expires_at"])


def downgrade() -> None:
    op.drop_table("removed_term")
    op.drop_index("ix_term_revision", "term")
    op.drop_column("term", "revision")
