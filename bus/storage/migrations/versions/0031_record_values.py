"""Add the index of records' values. A bus fills it in steps while it runs."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "value_fields",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("pointer", sa.Text(), nullable=False),
        sa.Column("reached", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_value_fields")),
        sa.UniqueConstraint("contract_id", "pointer", name=op.f("uq_value_fields_contract_id")),
    )
    op.create_table(
        "record_values",
        sa.Column("field", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("field", "value", "position", name=op.f("pk_record_values")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_record_values_position", "record_values", ["position"], unique=False)
