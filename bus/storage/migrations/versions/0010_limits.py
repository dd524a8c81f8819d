"""Add participants' own limits, what each process spent of them, and the questions of a day.

Rows that the bus finds by their end of life get an index.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "participant_limits",
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("limits", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("participant", name=op.f("pk_participant_limits")),
        sa.ForeignKeyConstraint(["participant"], ["participants.name"], name=op.f("fk_participant_limits_participant")),
    )
    op.create_table(
        "limits_spent",
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("limit", sa.Text(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("process", "participant", "limit", name=op.f("pk_limits_spent")),
    )
    op.create_table(
        "questions_asked",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "agency", "participant", name=op.f("pk_questions_asked")),
    )
    op.create_index(op.f("ix_used_assertions_expires_at"), "used_assertions", ["expires_at"])
    op.create_index(op.f("ix_revoked_tokens_expires_at"), "revoked_tokens", ["expires_at"])
    op.create_index(op.f("ix_contract_versions_created_by"), "contract_versions", ["created_by"])
