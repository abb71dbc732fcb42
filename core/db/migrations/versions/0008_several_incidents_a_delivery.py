"""A delivery may tell of several incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delivery_incident",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "delivery_id"],
            ["delivery.community_id", "delivery.id"],
            name="fk_delivery_incident_community_id_delivery_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "incident_id"],
            ["incident.community_id", "incident.id"],
            name="fk_delivery_incident_community_id_incident_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name="fk_delivery_incident_community_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "incident_id", name="pk_delivery_incident"),
    )
    op.create_index("ix_delivery_incident_incident_id", "delivery_incident", ["incident_id"])


def downgrade() -> None:
    op.drop_table("delivery_incident")
