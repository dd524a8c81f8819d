"""Add the history of each contract version, and the last day on which a deprecated version takes events."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contract_versions", sa.Column("sunset", sa.Text(), nullable=True))
    op.create_table(
        "contract_moves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("accepted_undecided", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["contract_versions.id"], name=op.f("fk_contract_moves_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_moves")),
    )
    op.create_index(op.f("ix_contract_moves_version_id"), "contract_moves", ["version_id"], unique=False)
    # Of the time before, the database knows only a version's beginning and its last step.
    op.execute(
        'INSERT INTO contract_moves (version_id, state, at, "by", accepted_undecided)'
        " SELECT id, 'draft', created_at, created_by, false FROM contract_versions ORDER BY id"
    )
    op.execute(
        'INSERT INTO contract_moves (version_id, state, at, "by", accepted_undecided)'
        " SELECT id, state, changed_at, changed_by, false FROM contract_versions WHERE state <> 'draft' ORDER BY id"
    )
