"""Each step in a contract version's life names the client that took it, and the adapters that it is a word for."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contract_moves", sa.Column("client_id", sa.Text()))
    op.add_column("contract_moves", sa.Column("adapters", sa.Text()))
