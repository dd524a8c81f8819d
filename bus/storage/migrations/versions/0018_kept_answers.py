"""Add the answers of requests with an Idempotency-Key, and the events that were refused of late."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_answers",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.Column("is_answered", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key", name=op.f("pk_kept_answers")),
    )
    op.create_index("ix_kept_answers_claimed_at", "kept_answers", ["claimed_at"], unique=False)
    op.create_table(
        "refused_events",
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_refused_events")),
    )
    op.create_index("ix_refused_events_at", "refused_events", ["at"], unique=False)
    op.create_index("ix_refused_events_participant_at", "refused_events", ["participant", "at"], unique=False)
