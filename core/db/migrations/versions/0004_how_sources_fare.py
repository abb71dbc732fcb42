"""Sources remember how they fared and how seldom they may be polled, and deliveries tell of sources."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("source", sa.Column("sealed_health", sa.LargeBinary(), nullable=True))
    op.add_column("source", sa.Column("maximum_interval_seconds", sa.Integer(), nullable=True))
    op.add_column("delivery", sa.Column("source_id", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("delivery", "source_id")
    op.drop_column("source", "maximum_interval_seconds")
    op.drop_column("source", "sealed_health")
