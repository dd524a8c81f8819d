"""Count equal disclosures of one day in one row. Keep apart the events of a delivery that did not leave."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("disclosures", sa.Column("last_at", sa.BigInteger()))
    op.add_column("disclosures", sa.Column("times", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("disclosures", sa.Column("day", sa.Integer()))
    op.add_column("disclosures", sa.Column("digest", sa.LargeBinary()))
    op.add_column("disclosures", sa.Column("unsent", sa.LargeBinary()))
    op.create_index("ix_disclosures_day_digest", "disclosures", ["day", "digest"], unique=True)
