"""Incidents may be snoozed until a moment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incident", sa.Column("snoozed_until", sa.BigInteger(), nullable=True))
    op.create_index("ix_incident_snoozed_until", "incident", ["snoozed_until"])


def downgrade() -> None:
    op.drop_index("ix_incident_snoozed_until", "incident")
    op.drop_column("incident", "snoozed_until")
