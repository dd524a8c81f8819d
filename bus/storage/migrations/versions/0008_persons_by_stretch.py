"""Order the index of persons by stretches of the journal, so that new entries touch few pages."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("journal_persons")
    op.create_table(
        "journal_persons",
        sa.Column("stretch", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("stretch", "person", "position", name=op.f("pk_journal_persons")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO journal_persons (stretch, person, position, contract_id) "
        "SELECT position / 16384, person, position, contract_id FROM journal "
        "WHERE person IS NOT NULL AND position <= (SELECT coalesce(max(position), 0) FROM journal_projected) "
        "ORDER BY 1, person, position"
    )
