"""Add to each subscription the number of its last change, so that processes read only changed subscriptions."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("changed", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("ix_subscriptions_changed", "subscriptions", ["changed"])
