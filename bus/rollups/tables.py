"""The tables of traffic: the flows, and their counts by the minute and by the hour."""

import sqlalchemy as sa

from bus.storage import metadata

FLOWS = sa.Table(
    "traffic_flows",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("contract", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("receiver", sa.Text, nullable=False),
    sa.UniqueConstraint("contract", "sender", "receiver"),
)
"""Each flow once, since its names would be the largest part of a count. The room's `Flow` says what the names mean."""


def _make_counts(name: str) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("at", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("flow", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("published", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("delivered", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("dead", sa.BigInteger, nullable=False),
        sa.Column("pulled", sa.BigInteger, nullable=False),
        sa.Column("delay_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


MINUTES = _make_counts("traffic_minutes")
"""`at` is the minute since 1970."""
HOURS = _make_counts("traffic_hours")
"""`at` is the hour since 1970."""

REACHED = sa.Table(
    "traffic_reached",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("step", sa.BigInteger, nullable=False),
)
"""One row at most: the position up to which accepted events are counted, and the number of the last step."""
