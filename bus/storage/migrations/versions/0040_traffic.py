"""Add the results of deliveries that are not counted yet, and the counts of traffic by the minute and by the hour.

The counts begin with this version.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delivery_results",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("result", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("positions", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_results")),
    )
    op.create_table(
        "traffic_flows",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_traffic_flows")),
        sa.UniqueConstraint("contract", "sender", "receiver", name=op.f("uq_traffic_flows_contract_sender_receiver")),
    )
    for name in ("traffic_minutes", "traffic_hours"):
        op.create_table(
            name,
            sa.Column("at", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("flow", sa.Integer(), autoincrement=False, nullable=False),
            *(
                sa.Column(column, sa.BigInteger(), nullable=False)
                for column in ("published", "refused", "delivered", "failed", "dead", "pulled", "delay_ms")
            ),
            sa.PrimaryKeyConstraint("at", "flow", name=op.f(f"pk_{name}")),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "traffic_reached",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traffic_reached")),
    )
    op.execute("INSERT INTO traffic_reached SELECT 1, coalesce(max(position), 0), 0 FROM journal")
