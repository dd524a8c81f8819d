"""Have an append write only the journal. A projection keeps the newest event of each record, and each event's predecessor."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journal_preceding",
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("preceding", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_journal_preceding")),
    )
    op.execute(
        "INSERT INTO journal_preceding (position, preceding) "
        "SELECT position, previous FROM journal WHERE previous IS NOT NULL ORDER BY position"
    )
    # The records already cover the whole journal. The index of persons has to, since both move together from now on.
    op.execute(
        "INSERT INTO journal_persons (person, position, contract_id) SELECT person, position, contract_id FROM journal "
        "WHERE person IS NOT NULL AND position > (SELECT coalesce(max(position), 0) FROM journal_persons_indexed) "
        "ORDER BY person, position"
    )
    op.create_table(
        "journal_projected",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_projected")),
    )
    op.execute("INSERT INTO journal_projected (id, position) SELECT 1, coalesce(max(position), 0) FROM journal")
    op.drop_table("journal_persons_indexed")
    op.drop_column("journal", "previous")
    op.drop_column("records", "deleted")
