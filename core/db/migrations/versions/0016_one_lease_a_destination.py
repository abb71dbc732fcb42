"""An index to see at once whether anything is under way to a destination."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_delivery_destination_id_leased_until", "delivery", ["destination_id", "leased_until"])


def downgrade() -> None:
    op.drop_index("ix_delivery_destination_id_leased_until", "delivery")
