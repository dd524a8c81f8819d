"""The tables of refusals: counts by the hour, events that were refused of late, and rows set aside."""

import sqlalchemy as sa

from bus.storage import metadata

REFUSALS = sa.Table(
    "refusals",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("hour", sa.BigInteger, nullable=False),
    sa.Column("contract", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("participant", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("pointer", sa.Text, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint(
        "hour",
        "contract",
        "version",
        "owner",
        "participant",
        "client_id",
        "rule",
        "pointer",
        name="uq_refusals_counted_by",
    ),
    sa.Index("ix_refusals_contract_id", "contract", "id"),
    sa.Index("ix_refusals_owner_id", "owner", "id"),
    sa.Index("ix_refusals_participant_id", "participant", "id"),
)
"""`hour` is the hour's first microsecond. `contract`, `version` and `owner` are empty if the event names no registered contract.

An event that broke two rules counts in the `count` of two rows. It counts in the `events` of one row, so that the sum of
`events` is the number of refused events.
"""


ROWS_SET_ASIDE = sa.Table(
    "rows_set_aside",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("adapter", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("contract", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("participant", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("under", sa.Text, nullable=False),
    sa.Column("errors", sa.Text, nullable=False),
    sa.Column("body", sa.Text),
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("tried_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("adapter", "operation", "source", "key", name="uq_rows_set_aside_row"),
)
"""`errors` is a JSON list of rules and pointers. `set_aside.Aside` says what the other columns hold."""
REFUSED_EVENTS = sa.Table(
    "refused_events",
    metadata,
    sa.Column("event", sa.LargeBinary, primary_key=True),
    sa.Column("participant", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("slug", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("places", sa.Text, nullable=False),
    sa.Index("ix_refused_events_at", "at"),
    sa.Index("ix_refused_events_participant_at", "participant", "at"),
)
"""`event` is a digest of participant, source and id. `places` is a JSON list of broken rules with their folded pointers."""
