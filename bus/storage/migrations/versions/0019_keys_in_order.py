"""Order the keys of records by their bytes in PostgreSQL, as SQLite does: digests of ranges of keys need one order."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # This builds the primary key anew, and reads no event.
        op.execute('ALTER TABLE records ALTER COLUMN key TYPE text COLLATE "C"')
