"""Add the leases of subscriptions that are pulled."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pull_leases",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_leases")),
    )
    op.create_index("ix_pull_leases_due_at", "pull_leases", ["due_at"], unique=False)
    op.create_index("ix_pull_leases_subscription_due_at", "pull_leases", ["subscription", "due_at"], unique=True)
