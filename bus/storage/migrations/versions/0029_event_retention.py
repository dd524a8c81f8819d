"""Add what retention deleted of each contract, and the epochs of the journal."""

import time
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_FIRST: Final = 1_767_225_600
_SPAN: Final = 600
"""Epochs are numbered by spans of ten minutes since 2026-01-01."""


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
    # A restore of a back-up without this table could only announce its epoch.
    op.execute(
        sa.text(
            "INSERT INTO journal_epochs (number, after) "
            "SELECT :number, (SELECT coalesce(max(position), 0) FROM journal) FROM changes WHERE topic = 'epochs'"
        ).bindparams(number=int(time.time() - _FIRST) // _SPAN)
    )
