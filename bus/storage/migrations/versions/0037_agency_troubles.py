"""Add the last failure of each poll, and the open circuits of questions that all processes tell."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "poll_failures",
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("in_a_row", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("adapter", "operation", name=op.f("pk_poll_failures")),
    )
    op.create_table(
        "agency_circuits",
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("process", "agency", name=op.f("pk_agency_circuits")),
    )
