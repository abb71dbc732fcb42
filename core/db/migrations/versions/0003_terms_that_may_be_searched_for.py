"""Terms that may be sent to search services are found without unsealing all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("term", sa.Column("search_externally", sa.Boolean(), nullable=True))
    op.create_index("ix_term_community_id_search_externally", "term", ["community_id", "search_externally"])


def downgrade() -> None:
    op.drop_index("ix_term_community_id_search_externally", "term")
    op.drop_column("term", "search_externally")
