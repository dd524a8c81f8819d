"""How often a client was given scopes, and by which change it got each."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clients", sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("clients", sa.Column("given", sa.Text(), nullable=False, server_default="{}"))
