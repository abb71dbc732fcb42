"""Moderators, the rotation in which they are on call, incidents that wait for them, and what they had to read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "moderator",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        _community("moderator"),
        sa.PrimaryKeyConstraint("id", name="pk_moderator"),
        sa.UniqueConstraint("community_id", "id", name="uq_moderator_community_id_id"),
    )
    op.create_table(
        "rotation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _community("rotation"),
        sa.PrimaryKeyConstraint("id", name="pk_rotation"),
        sa.UniqueConstraint("community_id", name="uq_rotation_community_id"),
        sa.UniqueConstraint("community_id", "id", name="uq_rotation_community_id_id"),
    )
    op.create_table(
        "rotation_override",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("rotation_id", sa.String(), nullable=False),
        sa.Column("moderator_id", sa.String(), nullable=False),
        sa.Column("substitute_id", sa.String(), nullable=True),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        _community("rotation_override"),
        _of("rotation_override", "rotation", "rotation_id"),
        _of("rotation_override", "moderator", "moderator_id"),
        _of("rotation_override", "moderator", "substitute_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rotation_override"),
    )
    op.create_index("ix_rotation_override_rotation_id", "rotation_override", ["rotation_id"])
    op.create_index("ix_rotation_override_until_at", "rotation_override", ["until_at"])
    op.create_table(
        "escalation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("rotation_id", sa.String(), nullable=False),
        sa.Column("waiting_since", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("asked_ids", sa.String(), nullable=False),
        sa.Column("round_number", sa.Integer(), nullable=False),
        _community("escalation"),
        _of("escalation", "incident", "id"),
        _of("escalation", "rotation", "rotation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_escalation"),
    )
    op.create_index("ix_escalation_due_at", "escalation", ["due_at"])
    op.create_table(
        "heavy_item",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("moderator_id", sa.String(), nullable=False),
        sa.Column("shown_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        _community("heavy_item"),
        _of("heavy_item", "moderator", "moderator_id"),
        sa.PrimaryKeyConstraint("id", name="pk_heavy_item"),
    )
    op.create_index("ix_heavy_item_community_id_shown_at", "heavy_item", ["community_id", "shown_at"])
    op.create_index("ix_heavy_item_expires_at", "heavy_item", ["expires_at"])


def downgrade() -> None:
    for table in ("heavy_item", "escalation", "rotation_override", "rotation", "moderator"):
        op.drop_table(table)


def _community(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["community_id"], ["community.id"], name=f"fk_{table}_community_id", ondelete="CASCADE"
    )


def _of(table: str, parent: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["community_id", column],
        [f"{parent}.community_id", f"{parent}.id"],
        name=f"fk_{table}_community_id_{column}",
        ondelete="CASCADE",
    )
