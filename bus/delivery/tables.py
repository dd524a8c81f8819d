"""The tables of subscriptions, deliveries, attempts and leases."""

import sqlalchemy as sa

from bus.storage import metadata

SUBSCRIPTIONS = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("participant", sa.Text, nullable=False, index=True),
    sa.Column("contracts", sa.Text, nullable=False),
    sa.Column("sink", sa.Text, nullable=False),
    sa.Column("filters", sa.Text, nullable=False),
    sa.Column("ordered_by", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("secrets", sa.Text, nullable=False),
    sa.Column("from_position", sa.BigInteger),
    sa.Column("replay_position", sa.BigInteger),
    sa.Column("replay_until", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("sink_set_by", sa.Text),
    sa.Column("hastened_at", sa.BigInteger),
    sa.Column("changed", sa.BigInteger, nullable=False, server_default="0", index=True),
    # A number is never used twice: deliveries name their subscription by it.
    sqlite_autoincrement=True,
)
"""`secrets` are encrypted. Events after `from_position` are delivered as they come; null: the relay has not taken it up yet.
A replay under way makes deliveries for the events after `replay_position` up to `replay_until`. `changed` is the number of the
last change of the row (`bus.storage.Changes`). `sink_set_by` names who set the sink; null: the subscriber. From
`hastened_at` on, a circuit that opened before holds nothing back: somebody mended the sink, and said so.
"""

DELETED_SUBSCRIPTIONS = sa.Table(
    "deleted_subscriptions",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("deleted_at", sa.BigInteger, nullable=False),
)
"""Subscriptions that are gone for everybody. The relay deletes their deliveries in steps, and then the row."""

DELIVERIES = sa.Table(
    "deliveries",
    metadata,
    sa.Column("subscription", sa.Integer, primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True),
    sa.Column("state", sa.SmallInteger, nullable=False),
    sa.Column("key", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger),
    sa.Column("status", sa.Integer),
    sqlite_with_rowid=False,
)
"""A pending delivery may be handed over from `due_at` on: now, after a backoff, or when its lease ends.
`key` is a digest of the value that the subscription is ordered by.
"""

_PENDING = DELIVERIES.c.state == 0
_OWED = DELIVERIES.c.state.in_((0, 2))

sa.Index(
    "ix_deliveries_due",
    DELIVERIES.c.subscription,
    DELIVERIES.c.due_at,
    DELIVERIES.c.position,
    sqlite_where=_PENDING,
    postgresql_where=_PENDING,
)
sa.Index(
    "ix_deliveries_dead",
    DELIVERIES.c.subscription,
    DELIVERIES.c.position,
    sqlite_where=DELIVERIES.c.state == 2,
    postgresql_where=DELIVERIES.c.state == 2,
)
sa.Index(
    "ix_deliveries_key",
    DELIVERIES.c.subscription,
    DELIVERIES.c.key,
    DELIVERIES.c.position,
    sqlite_where=sa.and_(_OWED, DELIVERIES.c.key.is_not(None)),
    postgresql_where=sa.and_(_OWED, DELIVERIES.c.key.is_not(None)),
)
sa.Index(
    "ix_deliveries_discarded",
    DELIVERIES.c.subscription,
    DELIVERIES.c.position,
    sqlite_where=DELIVERIES.c.state == 3,
    postgresql_where=DELIVERIES.c.state == 3,
)
ATTEMPTS = sa.Table(
    "attempts",
    metadata,
    sa.Column("subscription", sa.Integer, primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("failure", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("answer", sa.Text),
    sqlite_with_rowid=False,
)
"""Attempts that failed; the one that succeeded is in the delivery's own row.

`answer` is the encrypted beginning of what the sink answered, which may hold personal data. Null: there was none.
"""

HEALTH = sa.Table(
    "subscription_health",
    metadata,
    sa.Column("subscription", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("delivered", sa.BigInteger, nullable=False),
    sa.Column("succeeded_at", sa.BigInteger),
    sa.Column("failed_at", sa.BigInteger),
    sa.Column("failing_since", sa.BigInteger),
    sa.Column("failure", sa.Text),
    sa.Column("status", sa.Integer),
    sa.Column("detail", sa.Text),
    sa.Column("circuit", sa.Text),
    sa.Column("circuit_since", sa.BigInteger),
    sa.Column("circuit_until", sa.BigInteger),
)
"""A row for each subscription whose sink was tried; `bus.delivery.health` says what the columns hold."""

RELAY = sa.Table(
    "relay",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
)

HEARTBEATS = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("process", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
)

LEASES = sa.Table(
    "leases",
    metadata,
    sa.Column("due_at", sa.BigInteger, primary_key=True),
    sa.Column("subscription", sa.Integer, primary_key=True),
    sa.Column("process", sa.Text),
    sqlite_with_rowid=False,
)
"""The runs that are handed over. The first two columns name a run. `process` makes it; null: nobody claimed it."""

PULL_LEASES = sa.Table(
    "pull_leases",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("subscription", sa.Integer, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("given_at", sa.BigInteger, nullable=False),
    sa.Column("settled_at", sa.BigInteger),
    sa.Index("ix_pull_leases_subscription_due_at", "subscription", "due_at", unique=True),
    sa.Index("ix_pull_leases_due_at", "due_at"),
)
"""What a client pulled at once, and holds until `due_at`. `settled_at`: nothing of it is held any more, since all was settled.

Apart from `leases`: a process that starts makes the runs of dead workers due, but a puller may live.
"""

RESULTS = sa.Table(
    "delivery_results",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("subscription", sa.Integer, nullable=False),
    sa.Column("result", sa.SmallInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("positions", sa.Text, nullable=False),
)
"""Results of attempts that are not counted yet, each for some events. The rows are few, and gone within seconds."""
