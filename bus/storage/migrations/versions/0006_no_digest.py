"""No digest of what an event says: of the few that come again, the bodies themselves are compared."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("journal", "content")
