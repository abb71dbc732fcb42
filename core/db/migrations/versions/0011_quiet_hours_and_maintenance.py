"""Notices wait for the end of quiet hours and of maintenance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("held_because", sa.String(), nullable=True))
    op.create_index("ix_delivery_state_next_attempt_at", "delivery", ["state", "next_attempt_at"])
    op.create_table(
        "quiet_hours",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("destination_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        *_owned("quiet_hours"),
    )
    op.create_index("ix_quiet_hours_destination_id", "quiet_hours", ["destination_id"])
    op.create_index("ix_quiet_hours_community_id_created_at_id", "quiet_hours", ["community_id", "created_at", "id"])
    op.create_table(
        "maintenance",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("destination_id", sa.String(), nullable=True),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        *_owned("maintenance"),
    )
    op.create_index("ix_maintenance_until_at", "maintenance", ["until_at"])
    op.create_index("ix_maintenance_community_id_from_at_id", "maintenance", ["community_id", "from_at", "id"])


def downgrade() -> None:
    op.drop_table("maintenance")
    op.drop_table("quiet_hours")
    op.drop_index("ix_delivery_state_next_attempt_at", "delivery")
    op.drop_column("delivery", "held_because")


def _owned(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.ForeignKeyConstraint(
            ["community_id", "destination_id"],
            ["destination.community_id", "destination.id"],
            name=f"fk_{table}_community_id_destination_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=f"fk_{table}_community_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
