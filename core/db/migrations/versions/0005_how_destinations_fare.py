"""Destinations remember how they fare, every attempt at a delivery is kept for a while, and deliveries tell of
destinations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("destination", sa.Column("failing_since", sa.BigInteger(), nullable=True))
    op.add_column("destination", sa.Column("failure_count", sa.Integer(), server_default="0", nullable=False))
    op.add_column("destination", sa.Column("retry_at", sa.BigInteger(), nullable=True))
    op.add_column("destination", sa.Column("last_error", sa.String(), nullable=True))
    op.add_column("destination", sa.Column("disabled_because", sa.String(), nullable=True))
    op.add_column("delivery", sa.Column("about_destination_id", sa.String(), nullable=True))
    op.add_column("delivery", sa.Column("refusal_count", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_delivery_community_id_id", "delivery", ["community_id", "id"], unique=True)
    op.create_table(
        "attempt",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("duration_milliseconds", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "delivery_id"],
            ["delivery.community_id", "delivery.id"],
            name="fk_attempt_community_id_delivery_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["community_id"], ["community.id"], name="fk_attempt_community_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
    )
    op.create_index("ix_attempt_delivery_id_at_id", "attempt", ["delivery_id", "at", "id"])
    op.create_index("ix_attempt_expires_at", "attempt", ["expires_at"])


def downgrade() -> None:
    op.drop_table("attempt")
    op.drop_index("ix_delivery_community_id_id", "delivery")
    op.drop_column("delivery", "refusal_count")
    op.drop_column("delivery", "about_destination_id")
    op.drop_column("destination", "disabled_because")
    op.drop_column("destination", "last_error")
    op.drop_column("destination", "retry_at")
    op.drop_column("destination", "failure_count")
    op.drop_column("destination", "failing_since")
