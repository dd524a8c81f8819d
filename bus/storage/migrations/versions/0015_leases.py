"""Which runs of deliveries are handed over, and which process makes each."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("process", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("due_at", "subscription", name=op.f("pk_leases")),
        sqlite_with_rowid=False,
    )
