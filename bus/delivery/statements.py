"""The prepared statements of delivery, in both dialects where they differ: of the ledger, its leases and the relay.

SQLite keeps no statistics here, and would read all of a subscription's deliveries by their key. So statements name the index.
PostgreSQL without fresh statistics expects only a few rows in a subscription's backlog. For an IN list it would read all of
them. It joins a list of unknown length row by row.
"""

from typing import Final

from bus.storage import Insertion, Prepared

DUE_SUBSCRIPTIONS: Final = Prepared.in_both(
    """SELECT number FROM subscriptions WHERE state='active' AND substr(sink, 1, 7)<>'{"pull"'
    AND (SELECT min(due_at) FROM deliveries
    WHERE deliveries.subscription=subscriptions.number AND deliveries.state=0)<=:now"""
)
"""Without EXISTS: for that, PostgreSQL reads all deliveries if its statistics say that most are due. Without subscriptions that
are pulled: the bus sends nothing for them."""
SUBSCRIPTIONS: Final = 7103
"""The first of the two numbers that name a subscription's lock in the database."""
IN_FLIGHT: Final = Prepared.in_both(
    """SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE subscription=:subscription AND state=0
    AND due_at>:now AND due_at<=:until LIMIT :window) AS flying"""
)
DUE: Final = Prepared.in_both(
    """SELECT due_at, position, key FROM deliveries WHERE subscription=:subscription AND state=0 AND due_at<=:now
    ORDER BY due_at, position LIMIT :room""",
    columns="due_at, position, key",
)
KEYS_OWED: Final = Prepared(
    sqlite="""WITH wanted (key) AS (SELECT value FROM json_each(:wanted)) SELECT key FROM wanted
    WHERE EXISTS (SELECT 1 FROM deliveries INDEXED BY ix_deliveries_key
    WHERE subscription=:subscription AND deliveries.key=wanted.key AND state IN (0, 2))""",
    postgres="""SELECT key FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (key)
    WHERE EXISTS (SELECT 1 FROM deliveries
    WHERE subscription=:subscription AND deliveries.key=wanted.key AND state IN (0, 2))""",
)
BEGINNINGS: Final = Prepared(
    sqlite="""WITH wanted (key) AS (SELECT value FROM json_each(:wanted)),
    cut (key, last) AS (SELECT key, (SELECT position FROM deliveries INDEXED BY ix_deliveries_key
    WHERE subscription=:subscription AND deliveries.key=wanted.key AND state IN (0, 2)
    ORDER BY position LIMIT 1 OFFSET :longest - 1) FROM wanted)
    SELECT cut.key AS key, position, due_at, state FROM cut CROSS JOIN deliveries INDEXED BY ix_deliveries_key
    WHERE subscription=:subscription AND deliveries.key=cut.key AND state IN (0, 2)
    AND position<=coalesce(last, 9223372036854775807)""",
    postgres="""SELECT wanted.key, position, due_at, state FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (key)
    CROSS JOIN LATERAL (SELECT position, due_at, state FROM deliveries
    WHERE subscription=:subscription AND deliveries.key=wanted.key AND state IN (0, 2)
    ORDER BY position LIMIT :longest) AS owed""",
    columns="key, position, due_at, state",
)
"""The first deliveries of the chains of some keys. One statement looks up each key, however long its chain is."""
SET_DUE: Final = Prepared(
    sqlite="""UPDATE deliveries SET due_at=:due WHERE subscription=:subscription
    AND position IN (SELECT value FROM json_each(:wanted)) AND state<1""",
    postgres="""UPDATE deliveries SET due_at=:due FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (position)
    WHERE subscription=:subscription AND deliveries.position=wanted.position AND state<1""",
)
"""Leases deliveries, parks them, or makes them due: all three are a `due_at`.

Without `state=0`: for that, the index of due deliveries would be used, and all of it read."""
LEASED: Final = Prepared(
    sqlite="""SELECT position, key, attempts FROM deliveries INDEXED BY ix_deliveries_due
    WHERE subscription=:subscription AND state=0 AND due_at=:lease
    AND NOT EXISTS (SELECT 1 FROM deleted_subscriptions WHERE number=:subscription)""",
    postgres="""SELECT position, key, attempts FROM deliveries WHERE subscription=:subscription AND state=0 AND due_at=:lease
    AND NOT EXISTS (SELECT 1 FROM deleted_subscriptions WHERE number=:subscription)""",
    columns="position, key, attempts",
)
"""Nothing of a subscription that was deleted, though its deliveries may still be there."""
OUT_OF_RUN: Final = Prepared(
    sqlite="""UPDATE deliveries INDEXED BY ix_deliveries_due SET due_at=:due
    WHERE subscription=:subscription AND state=0 AND due_at=:lease AND key=:key""",
    postgres="""UPDATE deliveries SET due_at=:due
    WHERE subscription=:subscription AND state=0 AND due_at=:lease AND key=:key""",
)
"""Takes deliveries out of a run that would go behind a delivery of their key."""
LEASED_COUNT: Final = Prepared(
    sqlite="""SELECT count(*) FROM (SELECT due_at FROM leases WHERE subscription=:subscription AND due_at>:now
    UNION SELECT due_at FROM pull_leases WHERE subscription=:subscription AND due_at>:now) AS given
    CROSS JOIN deliveries INDEXED BY ix_deliveries_due
    WHERE deliveries.subscription=:subscription AND deliveries.state=0 AND deliveries.due_at=given.due_at""",
    postgres="""SELECT count(*) FROM (SELECT due_at FROM leases WHERE subscription=:subscription AND due_at>:now
    UNION SELECT due_at FROM pull_leases WHERE subscription=:subscription AND due_at>:now) AS given
    JOIN deliveries ON deliveries.due_at=given.due_at
    WHERE deliveries.subscription=:subscription AND deliveries.state=0""",
)
RELEASE: Final = Prepared(
    sqlite="""UPDATE deliveries INDEXED BY ix_deliveries_due SET due_at=:due
    WHERE subscription=:subscription AND state=0 AND due_at=:lease""",
    postgres="UPDATE deliveries SET due_at=:due WHERE subscription=:subscription AND state=0 AND due_at=:lease",
)
HELD_SUBSCRIPTIONS: Final = Prepared(
    sqlite="""SELECT number FROM subscriptions WHERE EXISTS (SELECT 1 FROM deliveries INDEXED BY ix_deliveries_due
    WHERE deliveries.subscription=subscriptions.number AND deliveries.state=0 AND due_at=:held)""",
    postgres="""SELECT number FROM subscriptions WHERE (SELECT min(position) FROM deliveries
    WHERE deliveries.subscription=subscriptions.number AND deliveries.state=0 AND due_at=:held) IS NOT NULL""",
)
RELEASE_HELD: Final = Prepared(
    sqlite="""UPDATE deliveries INDEXED BY ix_deliveries_due SET due_at=:now
    WHERE subscription=:subscription AND state=0 AND due_at=:held AND position IN (
    SELECT position FROM deliveries INDEXED BY ix_deliveries_due
    WHERE subscription=:subscription AND state=0 AND due_at=:held ORDER BY position LIMIT :most)""",
    postgres="""UPDATE deliveries SET due_at=:now WHERE subscription=:subscription AND state=0 AND due_at=:held
    AND position IN (SELECT position FROM deliveries
    WHERE subscription=:subscription AND state=0 AND due_at=:held ORDER BY position LIMIT :most)""",
)
PENDING_POSITIONS: Final = Prepared(
    sqlite="""SELECT position FROM deliveries INDEXED BY ix_deliveries_due
    WHERE subscription=:subscription AND state=0 LIMIT :most""",
    postgres="SELECT position FROM deliveries WHERE subscription=:subscription AND state=0 ORDER BY due_at LIMIT :most",
)
_PENDING_AFTER: Final = (
    "WHERE subscription=:subscription AND state=0 AND (due_at, position)>(:due, :position) "
    "ORDER BY due_at, position LIMIT :most"
)
PENDING: Final = Prepared(
    sqlite=f"SELECT due_at, position, key FROM deliveries INDEXED BY ix_deliveries_due {_PENDING_AFTER}",  # noqa: S608
    postgres=f"SELECT due_at, position, key FROM deliveries {_PENDING_AFTER}",  # noqa: S608
    columns="due_at, position, key",
)
"""A subscription's pending deliveries in steps, in the order of the index."""
DELIVERED: Final = Prepared(
    sqlite="""UPDATE deliveries SET state=1, finished_at=:at, status=:status, attempts=:number
    WHERE subscription=:subscription AND position IN (SELECT value FROM json_each(:wanted)) AND state IN (0, 2)""",
    postgres="""UPDATE deliveries SET state=1, finished_at=:at, status=:status, attempts=:number
    FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (position)
    WHERE subscription=:subscription AND deliveries.position=wanted.position AND state IN (0, 2)""",
)
"""Under any lease, since the event did arrive. Dead deliveries too: a later run may have given up what this one delivered."""
DELIVERED_AT: Final = Prepared(
    sqlite="""SELECT position FROM deliveries WHERE subscription=:subscription
    AND position IN (SELECT value FROM json_each(:wanted)) AND state=1 AND finished_at=:at""",
    postgres="""SELECT position FROM deliveries WHERE subscription=:subscription
    AND position=ANY(CAST(:wanted AS bigint[])) AND state=1 AND finished_at=:at""",
)
"""Those that the statement before delivered, when it was not all."""
FAILED: Final = Prepared.in_both(
    """UPDATE deliveries SET state=:state, attempts=:number, due_at=:due, status=:status, finished_at=:at
    WHERE subscription=:subscription AND position=:position AND state<1 AND due_at=:lease"""
)
"""Only under its own lease. Otherwise it would take the head out of a later run, which would send the rest without it."""
DEAD: Final = Prepared(
    sqlite="""SELECT subscription, position, state, key, attempts, due_at, finished_at, status
    FROM deliveries INDEXED BY ix_deliveries_dead
    WHERE subscription=:subscription AND state=2 AND position>:after ORDER BY position LIMIT :most""",
    postgres="""SELECT subscription, position, state, key, attempts, due_at, finished_at, status FROM deliveries
    WHERE subscription=:subscription AND state=2 AND position>:after ORDER BY position LIMIT :most""",
)
"""By an index of dead deliveries: they are few among all deliveries of a subscription."""
REDRIVE: Final = Prepared(
    sqlite="""UPDATE deliveries SET state=0, attempts=0, due_at=:now, finished_at=NULL
    WHERE subscription=:subscription AND position IN (SELECT value FROM json_each(:wanted)) AND state=2""",
    postgres="""UPDATE deliveries SET state=0, attempts=0, due_at=:now, finished_at=NULL
    FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (position)
    WHERE subscription=:subscription AND deliveries.position=wanted.position AND state=2""",
)
_UNLEASED: Final = """subscription=:subscription AND state=0 AND due_at>:now AND due_at<:held
    AND due_at NOT IN (SELECT due_at FROM leases WHERE subscription=:subscription AND due_at>:now
    UNION SELECT due_at FROM pull_leases WHERE subscription=:subscription AND due_at>:now)
    ORDER BY due_at, position LIMIT :most"""
HASTEN: Final = Prepared(
    sqlite=f"""UPDATE deliveries SET due_at=:now WHERE subscription=:subscription
    AND position IN (SELECT position FROM deliveries INDEXED BY ix_deliveries_due WHERE {_UNLEASED})
    AND state<1""",  # noqa: S608
    postgres=f"""UPDATE deliveries SET due_at=:now WHERE subscription=:subscription
    AND position=ANY(ARRAY(SELECT position FROM deliveries WHERE {_UNLEASED})) AND state<1""",  # noqa: S608
)
"""Makes deliveries due that wait for their next attempt; not those that are under way, which their leases name."""
DISCARD: Final = Prepared(
    sqlite="""UPDATE deliveries SET state=3, finished_at=:at
    WHERE subscription=:subscription AND position IN (SELECT value FROM json_each(:wanted)) AND state IN (0, 2)""",
    postgres="""UPDATE deliveries SET state=3, finished_at=:at
    FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (position)
    WHERE subscription=:subscription AND deliveries.position=wanted.position AND state IN (0, 2)""",
)
"""Under any lease: the relay or a worker may change `due_at` at the same moment."""
IS_ANY_PARKED: Final = Prepared(
    sqlite="""SELECT 1 FROM deliveries INDEXED BY ix_deliveries_due
    WHERE subscription=:subscription AND state=0 AND due_at=:parked LIMIT 1""",
    postgres="SELECT 1 FROM deliveries WHERE subscription=:subscription AND state=0 AND due_at=:parked LIMIT 1",
)
"""One look-up; to find each key's head takes two. Usually no delivery is parked."""
UNPARK: Final = Prepared(
    sqlite="""UPDATE deliveries SET due_at=:now WHERE subscription=:subscription AND position IN (
    SELECT min(position) FROM deliveries WHERE subscription=:subscription AND state IN (0, 2)
    AND key IN (SELECT value FROM json_each(:wanted)) GROUP BY key) AND state<1 AND due_at=:parked""",
    postgres="""UPDATE deliveries SET due_at=:now FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (key)
    CROSS JOIN LATERAL (SELECT position FROM deliveries
    WHERE subscription=:subscription AND deliveries.key=wanted.key AND state IN (0, 2) ORDER BY position LIMIT 1) AS head
    WHERE subscription=:subscription AND deliveries.position=head.position AND state<1 AND due_at=:parked""",
)
"""Only the head of each chain: the deliveries behind it go with it, however many they are."""


def _make_insertion(made_before: str) -> Insertion:
    return Insertion(
        sqlite="INSERT INTO deliveries (subscription, position, state, key, attempts, due_at) "  # noqa: S608
        f"VALUES {{rows}} {made_before}",
        row="(?,?,0,?,0,?)",
        postgres="INSERT INTO deliveries (subscription, position, state, key, attempts, due_at) "  # noqa: S608
        "SELECT subscription, position, 0, key, 0, due_at FROM unnest(CAST(? AS int[]), "
        "CAST(? AS bigint[]), CAST(? AS bigint[]), CAST(? AS bigint[])) "
        f"AS made (subscription, position, key, due_at) {made_before}",
    )


NEW: Final = _make_insertion("ON CONFLICT (subscription, position) DO NOTHING")
"""Makes deliveries. The columns of a row: subscription, position, key, when it is due."""
NEW_OR_AGAIN: Final = _make_insertion(
    "ON CONFLICT (subscription, position) DO UPDATE SET state=0, attempts=0, due_at=excluded.due_at, "
    "finished_at=NULL WHERE deliveries.state<>0"
)
"""Makes deliveries; also those that were made before and are over."""

NEW_LEASES: Final = Insertion(
    sqlite="INSERT INTO leases (due_at, subscription) VALUES {rows} ON CONFLICT (due_at, subscription) DO NOTHING",
    row="(?,?)",
    postgres="""INSERT INTO leases (due_at, subscription)
    SELECT due_at, subscription FROM unnest(CAST(? AS bigint[]), CAST(? AS int[])) AS made (due_at, subscription)
    ON CONFLICT (due_at, subscription) DO NOTHING""",
)
CLAIM_LEASE: Final = Prepared.in_both(
    "UPDATE leases SET process=:process WHERE due_at=:lease AND subscription=:subscription"
)
LEASE_HOLDERS: Final = Prepared.in_both("SELECT DISTINCT process FROM leases WHERE due_at>:now AND process IS NOT NULL")
FORGET_ENDED_LEASES: Final = Prepared.in_both("DELETE FROM leases WHERE due_at<=:now")
RELEASE_ALL_LEASED: Final = Prepared(
    sqlite="""UPDATE deliveries INDEXED BY ix_deliveries_due SET due_at=:now WHERE state=0
    AND (subscription, due_at) IN (SELECT subscription, due_at FROM leases WHERE due_at>:now)""",
    postgres="""UPDATE deliveries SET due_at=:now FROM leases WHERE state=0 AND leases.due_at>:now
    AND deliveries.subscription=leases.subscription AND deliveries.due_at=leases.due_at""",
)
LEASED_SUBSCRIPTIONS: Final = Prepared.in_both("SELECT DISTINCT subscription FROM leases ORDER BY subscription")
LEASED_SUBSCRIPTIONS_BY: Final = Prepared.in_both(
    "SELECT DISTINCT subscription FROM leases WHERE process=:process ORDER BY subscription"
)
FORGET_ALL_LEASES: Final = Prepared.in_both("DELETE FROM leases")
RELEASE_HELD_BY: Final = Prepared(
    sqlite="""UPDATE deliveries INDEXED BY ix_deliveries_due SET due_at=:now WHERE state=0
    AND (subscription, due_at) IN (SELECT subscription, due_at FROM leases WHERE due_at>:now AND process=:process)""",
    postgres="""UPDATE deliveries SET due_at=:now FROM leases WHERE state=0 AND leases.due_at>:now AND process=:process
    AND deliveries.subscription=leases.subscription AND deliveries.due_at=leases.due_at""",
)
FORGET_HELD_LEASES: Final = Prepared.in_both("DELETE FROM leases WHERE process=:process")

SET_RELAYED: Final = Prepared.in_both(
    "INSERT INTO relay (id, position) VALUES (1, :position) ON CONFLICT (id) DO UPDATE SET position=excluded.position"
)
