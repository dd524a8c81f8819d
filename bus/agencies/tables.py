"""The table `polls`: the cursor of each poll."""

import sqlalchemy as sa

from bus.storage import metadata

POLLS = sa.Table(
    "polls",
    metadata,
    sa.Column("adapter", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("cursor", sa.Text),
    sa.Column("polled_at", sa.BigInteger, nullable=False),
)
