"""Incidents know their leak again when it is copied, on how many sites it stands, and which terms had a part in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SIGHTING_TIMES = ("last_seen_at", "removed_at", "returned_at")
_OWN_TABLES = ("trace", "incident_term")


def upgrade() -> None:
    op.add_column("incident", sa.Column("site_count", sa.Integer(), server_default="1", nullable=False))
    op.add_column("incident_key", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_incident_key_expires_at", "incident_key", ["expires_at"])
    op.add_column("sighting", sa.Column("site_key", sa.LargeBinary(), nullable=True))
    for name in _SIGHTING_TIMES:
        op.add_column("sighting", sa.Column(name, sa.BigInteger(), nullable=True))
    op.create_table(
        "trace",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        *_owned("trace"),
        sa.PrimaryKeyConstraint("id", name="pk_trace"),
    )
    op.create_index("ix_trace_incident_id", "trace", ["incident_id"])
    op.create_index("ix_trace_expires_at", "trace", ["expires_at"])
    op.create_table(
        "incident_term",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("term_key", sa.LargeBinary(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        *_owned("incident_term"),
        sa.PrimaryKeyConstraint("community_id", "term_key", "incident_id", name="pk_incident_term"),
    )
    op.create_index("ix_incident_term_incident_id", "incident_term", ["incident_id"])


def downgrade() -> None:
    for table in _OWN_TABLES:
        op.drop_table(table)
    for name in (*_SIGHTING_TIMES, "site_key"):
        op.drop_column("sighting", name)
    op.drop_index("ix_incident_key_expires_at", "incident_key")
    op.drop_column("incident_key", "expires_at")
    op.drop_column("incident", "site_count")


def _owned(table: str) -> tuple[sa.ForeignKeyConstraint, sa.ForeignKeyConstraint]:
    return (
        sa.ForeignKeyConstraint(
            ["community_id"], ["community.id"], name=f"fk_{table}_community_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "incident_id"],
            ["incident.community_id", "incident.id"],
            name=f"fk_{table}_community_id_incident_id",
            ondelete="CASCADE",
        ),
    )
