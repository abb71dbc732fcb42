"""Routes group notices, and have them repeated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OWNERS = ("destination", "incident")


def upgrade() -> None:
    op.add_column("delivery", sa.Column("route_id", sa.String(), nullable=True))
    op.add_column("delivery", sa.Column("repeat_seconds", sa.Integer(), nullable=True))
    op.create_index(
        "ix_delivery_destination_id_route_id_delivered_at", "delivery", ["destination_id", "route_id", "delivered_at"]
    )
    op.create_table(
        "repetition",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("destination_id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                ["community_id", f"{owner}_id"],
                [f"{owner}.community_id", f"{owner}.id"],
                name=f"fk_repetition_community_id_{owner}_id",
                ondelete="CASCADE",
            )
            for owner in _OWNERS
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name="fk_repetition_community_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("destination_id", "incident_id", name="pk_repetition"),
    )
    op.create_index("ix_repetition_due_at", "repetition", ["due_at"])
    op.create_index("ix_repetition_incident_id", "repetition", ["incident_id"])


def downgrade() -> None:
    op.drop_table("repetition")
    op.drop_index("ix_delivery_destination_id_route_id_delivered_at", "delivery")
    op.drop_column("delivery", "repeat_seconds")
    op.drop_column("delivery", "route_id")
