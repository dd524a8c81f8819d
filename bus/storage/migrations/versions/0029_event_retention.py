"""Add what retention deleted of each contract, and the epochs of the journal."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journal_retention",
        sa.Column("contract_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("whole_from", sa.BigInteger(), nullable=False),
        sa.Column("deletions_from", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_journal_retention")),
    )
    op.create_table(
        "journal_epochs",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_journal_epochs")),
    )
    # A restore of a back-up without this table announces its epoch alone (`bus.journal.epochs`).
    op.execute(
        "INSERT INTO journal_epochs (number, after) "
        "SELECT number, (SELECT coalesce(max(position), 0) FROM journal) FROM changes WHERE topic = 'epochs'"
    )
