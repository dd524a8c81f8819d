"""The statements of pulls, in both dialects where they differ; see `bus.delivery.statements` for the reasons."""

from typing import Final

from bus.storage import Prepared

STANDING: Final = Prepared.in_both(
    """SELECT state, replay_position, replay_until, (SELECT min(due_at) FROM deliveries
    WHERE deliveries.subscription=subscriptions.number AND deliveries.state=0) FROM subscriptions WHERE number=:subscription"""
)
"""How a subscription stands, with the moment when the first of its deliveries is due."""
QUIET: Final = Prepared(
    sqlite="""SELECT number FROM subscriptions WHERE number IN (SELECT value FROM json_each(:wanted)) AND state='active'
    AND coalesce((SELECT min(due_at) FROM deliveries
    WHERE deliveries.subscription=subscriptions.number AND deliveries.state=0), :now + 1)>:now""",
    postgres="""SELECT number FROM subscriptions WHERE number=ANY(CAST(:wanted AS bigint[])) AND state='active'
    AND coalesce((SELECT min(due_at) FROM deliveries
    WHERE deliveries.subscription=subscriptions.number AND deliveries.state=0), :now + 1)>:now""",
)
"""The active subscriptions among some that have nothing due."""
DUE: Final = Prepared.in_both(
    """SELECT position, key, attempts, due_at FROM deliveries WHERE subscription=:subscription AND state=0
    AND due_at<=:now AND position<=:last ORDER BY due_at, position LIMIT :room"""
)
"""By the moment when they were due: an event that always fails must not hold up all others."""
HELD: Final = Prepared(
    sqlite="""SELECT count(*) FROM pull_leases INDEXED BY ix_pull_leases_subscription_due_at
    CROSS JOIN deliveries INDEXED BY ix_deliveries_due
    WHERE pull_leases.subscription=:subscription AND pull_leases.due_at>:now AND deliveries.subscription=:subscription
    AND deliveries.state=0 AND deliveries.due_at=pull_leases.due_at""",
    postgres="""SELECT count(*) FROM pull_leases JOIN deliveries
    ON deliveries.subscription=pull_leases.subscription AND deliveries.due_at=pull_leases.due_at AND deliveries.state=0
    WHERE pull_leases.subscription=:subscription AND pull_leases.due_at>:now""",
)
TAKE: Final = Prepared(
    sqlite="""UPDATE deliveries SET due_at=:lease, attempts=attempts+1 WHERE subscription=:subscription
    AND position IN (SELECT value FROM json_each(:wanted)) AND state<1""",
    postgres="""UPDATE deliveries SET due_at=:lease, attempts=attempts+1
    FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (position)
    WHERE subscription=:subscription AND deliveries.position=wanted.position AND state<1""",
)
"""A try is counted when it begins: an event that ends its puller's process must be dead at last."""
GIVE_BACK: Final = Prepared(
    sqlite="""UPDATE deliveries INDEXED BY ix_deliveries_due SET due_at=:now, attempts=attempts-1
    WHERE subscription=:subscription AND state=0 AND due_at=:lease""",
    postgres="""UPDATE deliveries SET due_at=:now, attempts=attempts-1
    WHERE subscription=:subscription AND state=0 AND due_at=:lease""",
)
IS_USED: Final = Prepared(
    sqlite="""SELECT 1 FROM deliveries INDEXED BY ix_deliveries_due
    WHERE subscription=:subscription AND state=0 AND due_at=:at
    UNION ALL SELECT 1 FROM pull_leases WHERE subscription=:subscription AND due_at=:at LIMIT 1""",
    postgres="""SELECT 1 FROM deliveries WHERE subscription=:subscription AND state=0 AND due_at=:at
    UNION ALL SELECT 1 FROM pull_leases WHERE subscription=:subscription AND due_at=:at LIMIT 1""",
)
"""Whether a moment is the end of a lease, or of a backoff. A lease is known by the moment alone."""
PLACES: Final = Prepared(
    sqlite="""SELECT position, key, attempts, due_at, state FROM deliveries
    WHERE subscription=:subscription AND position IN (SELECT value FROM json_each(:wanted))""",
    postgres="""SELECT deliveries.position, key, attempts, due_at, state
    FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (position) JOIN deliveries
    ON deliveries.position=wanted.position WHERE subscription=:subscription""",
)
SETTLED: Final = Prepared(
    sqlite="""UPDATE pull_leases SET settled_at=:at WHERE subscription=:subscription
    AND due_at IN (SELECT value FROM json_each(:wanted)) AND NOT EXISTS (
    SELECT 1 FROM deliveries INDEXED BY ix_deliveries_due WHERE deliveries.subscription=:subscription
    AND deliveries.state=0 AND deliveries.due_at=pull_leases.due_at)""",
    postgres="""UPDATE pull_leases SET settled_at=:at WHERE subscription=:subscription
    AND due_at=ANY(CAST(:wanted AS bigint[])) AND NOT EXISTS (SELECT 1 FROM deliveries
    WHERE deliveries.subscription=:subscription AND deliveries.state=0 AND deliveries.due_at=pull_leases.due_at)""",
)
"""Marks the leases under which nothing is held any more."""
