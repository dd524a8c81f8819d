"""Add the health of subscriptions, answers of sinks, and an index of discarded deliveries.

What was delivered until now is counted once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subscription_health",
        sa.Column("subscription", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("succeeded_at", sa.BigInteger()),
        sa.Column("failed_at", sa.BigInteger()),
        sa.Column("failing_since", sa.BigInteger()),
        sa.Column("failure", sa.Text()),
        sa.Column("status", sa.Integer()),
        sa.Column("detail", sa.Text()),
        sa.Column("circuit", sa.Text()),
        sa.Column("circuit_since", sa.BigInteger()),
        sa.Column("circuit_until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("subscription", name=op.f("pk_subscription_health")),
    )
    op.execute(
        "INSERT INTO subscription_health (subscription, delivered, succeeded_at) "
        "SELECT subscription, count(*), max(finished_at) FROM deliveries WHERE state=1 GROUP BY subscription"
    )
    op.create_index(
        "ix_deliveries_discarded",
        "deliveries",
        ["subscription", "position"],
        sqlite_where=sa.text("state = 3"),
        postgresql_where=sa.text("state = 3"),
    )
    op.add_column("attempts", sa.Column("answer", sa.Text()))
    op.add_column("subscriptions", sa.Column("hastened_at", sa.BigInteger()))
