"""Appends write the journal alone: where records stand, and what preceded each event, is projected beside it."""

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
    # Records stand at the journal's end, so the index of persons goes there too: from now on both move together.
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
