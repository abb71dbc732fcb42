"""What a channel noted about a delivery that some of its readers have already."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("sealed_progress", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("delivery", "sealed_progress")
