"""The table of kept answers."""

import sqlalchemy as sa

from bus.storage import metadata

KEPT_ANSWERS = sa.Table(
    "kept_answers",
    metadata,
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("key", sa.LargeBinary, primary_key=True),
    sa.Column("claim", sa.Text, nullable=False),
    sa.Column("claimed_at", sa.BigInteger, nullable=False),
    sa.Column("is_answered", sa.Boolean, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Index("ix_kept_answers_claimed_at", "claimed_at"),
)
"""One row for each request with an `Idempotency-Key`.

`key` is a digest of the key. `claim` names the process's work on the request. `sealed` is the request's digest and the answer,
encrypted by `seal.py`.
"""
