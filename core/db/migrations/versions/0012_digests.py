"""Destinations are sent digests: when the next one is due, and what it tells of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("destination", sa.Column("digest_due_at", sa.BigInteger(), nullable=True))
    op.add_column("destination", sa.Column("digest_since", sa.BigInteger(), nullable=True))
    op.create_index("ix_destination_digest_due_at", "destination", ["digest_due_at"])
    op.add_column("delivery", sa.Column("since", sa.BigInteger(), nullable=True))
    op.create_table(
        "digest_incident",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("destination_id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "destination_id"],
            ["destination.community_id", "destination.id"],
            name="fk_digest_incident_community_id_destination_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "incident_id"],
            ["incident.community_id", "incident.id"],
            name="fk_digest_incident_community_id_incident_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name="fk_digest_incident_community_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("destination_id", "incident_id", name="pk_digest_incident"),
    )
    op.create_index("ix_digest_incident_incident_id", "digest_incident", ["incident_id"])


def downgrade() -> None:
    op.drop_table("digest_incident")
    op.drop_column("delivery", "since")
    op.drop_index("ix_destination_digest_due_at", "destination")
    op.drop_column("destination", "digest_since")
    op.drop_column("destination", "digest_due_at")
