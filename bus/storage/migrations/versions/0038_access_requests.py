"""Add the requests for access."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_requests",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("waiting", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text()),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Text()),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_access_requests_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_access_requests")),
        sa.UniqueConstraint("id", name=op.f("uq_access_requests_id")),
        sa.UniqueConstraint("contract_id", "waiting", name=op.f("uq_access_requests_contract_id_waiting")),
    )
    op.create_index(op.f("ix_access_requests_owner"), "access_requests", ["owner"])
    op.create_index(op.f("ix_access_requests_participant"), "access_requests", ["participant"])
