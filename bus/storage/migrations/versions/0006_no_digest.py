"""Drop the digest of an event's content. Few events come again, and for those the bus compares the bodies."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("journal", "content")
