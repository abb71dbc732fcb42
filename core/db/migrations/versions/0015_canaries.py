"""Canaries, the watchlists of their phrases, and notices about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TIMES = ("read_at", "given_at", "raised_at", "planned_at", "delivered_at", "finished_at")


def upgrade() -> None:
    op.create_table(
        "canary",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=True),
        sa.Column("destination_id", sa.String(), nullable=False),
        sa.Column("watchlist_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("planted_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("read_count", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in _TIMES),
        sa.Column("incident_id", sa.String(), nullable=True),
        sa.Column("broken_link", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name="fk_canary_community_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_canary"),
    )
    op.create_index("ix_canary_community_id_updated_at_id", "canary", ["community_id", "updated_at", "id"])
    op.create_index("ix_canary_community_id_watchlist_id", "canary", ["community_id", "watchlist_id"])
    op.create_index("ix_canary_state_source_id", "canary", ["state", "source_id"])
    op.add_column("watchlist", sa.Column("is_test", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("delivery", sa.Column("canary_id", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("delivery", "canary_id")
    op.drop_column("watchlist", "is_test")
    op.drop_table("canary")
