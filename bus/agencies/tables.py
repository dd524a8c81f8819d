"""The tables of agencies: polls with their cursors, published rows and held deletions; and the calls of a day."""

import sqlalchemy as sa

from bus.storage import metadata

POLLS = sa.Table(
    "polls",
    metadata,
    sa.Column("adapter", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("cursor", sa.Text),
    sa.Column("polled_at", sa.BigInteger, nullable=False),
    sa.Column("steps", sa.BigInteger, nullable=False, server_default="0"),
)
"""`steps` counts the commits of a poll. It is part of an event's id, so that a row that returns to an earlier state is news."""

POLLED_ROWS = sa.Table(
    "polled_rows",
    metadata,
    sa.Column("adapter", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
)
"""The rows of agencies' lists that the journal has, each with the digest of its newest published state."""

HELD_DELETIONS = sa.Table(
    "held_deletions",
    metadata,
    sa.Column("adapter", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("deletions", sa.BigInteger, nullable=False),
    sa.Column("known", sa.BigInteger, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("released", sa.BigInteger),
)
"""Lists whose deletions are held back. `released`: how many deletions the operator let go; null: he did not say yet."""

AGENCY_CALLS = sa.Table(
    "agency_calls",
    metadata,
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("pool", sa.Text, primary_key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("most", sa.BigInteger),
)
"""The calls to agencies on a day in WIB. `pool`: empty for all calls, or whose part of the quota. `most`: the agency's bound."""
