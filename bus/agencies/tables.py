"""The tables of agencies: polls with their cursors, failures, published rows and held deletions; the calls of a day;
open circuits; and jobs of questions."""

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

QUERY_JOBS = sa.Table(
    "query_jobs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("participant", sa.Text, nullable=False, index=True),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("contract", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("done_at", sa.BigInteger),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("leased_until", sa.BigInteger, nullable=False),
)
"""Jobs. `holder`: the process that works on it, until `leased_until`, in microseconds since 1970."""

QUERY_QUESTIONS = sa.Table(
    "query_questions",
    metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("state", sa.SmallInteger, nullable=False),
    sa.Column("content", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
)
"""The questions of jobs, encrypted. `content`: the encrypted answer, or why there is none."""

POLL_FAILURES = sa.Table(
    "poll_failures",
    metadata,
    sa.Column("adapter", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("failed_at", sa.BigInteger, nullable=False),
    sa.Column("since", sa.BigInteger),
    sa.Column("in_a_row", sa.BigInteger, nullable=False),
)
"""The last failure of each poll. `since`: the first failure in a row; null: the poll ended well afterwards."""

AGENCY_CIRCUITS = sa.Table(
    "agency_circuits",
    metadata,
    sa.Column("process", sa.Text, primary_key=True),
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("until", sa.BigInteger, nullable=False),
)
"""The agencies to which a process puts no questions, until a microsecond since 1970."""

AGENCY_PAUSES = sa.Table(
    "agency_pauses",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)
"""What the operator paused. `operation`: empty for all operations of the agency."""
