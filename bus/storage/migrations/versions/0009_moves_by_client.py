"""Add to each step of a contract version the client that took it. A step of consent also names its adapters."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contract_moves", sa.Column("client_id", sa.Text()))
    op.add_column("contract_moves", sa.Column("adapters", sa.Text()))
