"""The ledger's statements, in both dialects where they differ.

SQLite keeps no statistics here and would walk all of a subscription's deliveries by their key, so that indexes are named to it.
PostgreSQL without fresh ones takes a subscription's backlog to be a few rows, and for an IN list it read all of them (measured:
15 ms instead of 2 for a run out of 60,000). It joins a list whose length it cannot see row by row.
"""

from typing import Final

from bus.storage import Insertion, Prepared

DUE_SUBSCRIPTIONS: Final = Prepared.in_both(
    """SELECT number FROM subscriptions WHERE state='active' AND (SELECT min(due_at) FROM deliveries
    WHERE deliveries.subscription=subscriptions.number AND deliveries.state=0)<=:now"""
)
"""Not EXISTS, for which PostgreSQL reads all deliveries once it knows that most are due."""
SUBSCRIPTIONS: Final = 7103
"""Names the locks of subscriptions among those of the database."""
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
"""The first deliveries of the chains of some keys: look-ups by key in one statement, however long a chain is."""
SET_DUE: Final = Prepared(
    sqlite="""UPDATE deliveries SET due_at=:due WHERE subscription=:subscription
    AND position IN (SELECT value FROM json_each(:wanted)) AND state<1""",
    postgres="""UPDATE deliveries SET due_at=:due FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (position)
    WHERE subscription=:subscription AND deliveries.position=wanted.position AND state<1""",
)
"""Not `state=0`, which calls for the index of what is due: by that one all of it would be read."""
LEASED: Final = Prepared(
    sqlite="""SELECT position, key, attempts FROM deliveries INDEXED BY ix_deliveries_due
    WHERE subscription=:subscription AND state=0 AND due_at=:lease""",
    postgres="SELECT position, key, attempts FROM deliveries WHERE subscription=:subscription AND state=0 AND due_at=:lease",
    columns="position, key, attempts",
)
OUT_OF_RUN: Final = Prepared(
    sqlite="""UPDATE deliveries INDEXED BY ix_deliveries_due SET due_at=:due
    WHERE subscription=:subscription AND state=0 AND due_at=:lease AND key=:key""",
    postgres="""UPDATE deliveries SET due_at=:due
    WHERE subscription=:subscription AND state=0 AND due_at=:lease AND key=:key""",
)
"""What goes behind one of its key there."""
RELEASE: Final = Prepared(
    sqlite="""UPDATE deliveries INDEXED BY ix_deliveries_due SET due_at=:due
    WHERE subscription=:subscription AND state=0 AND due_at=:lease""",
    postgres="UPDATE deliveries SET due_at=:due WHERE subscription=:subscription AND state=0 AND due_at=:lease",
)
DELIVERED: Final = Prepared(
    sqlite="""UPDATE deliveries SET state=1, finished_at=:at, status=:status, attempts=:number
    WHERE subscription=:subscription AND position IN (SELECT value FROM json_each(:wanted)) AND state IN (0, 2)""",
    postgres="""UPDATE deliveries SET state=1, finished_at=:at, status=:status, attempts=:number
    FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (position)
    WHERE subscription=:subscription AND deliveries.position=wanted.position AND state IN (0, 2)""",
)
"""Whatever the lease is, it did arrive. Dead ones too: a later run may have given up what got through in this one."""
FAILED: Final = Prepared.in_both(
    """UPDATE deliveries SET state=:state, attempts=:number, due_at=:due, status=:status, finished_at=:at
    WHERE subscription=:subscription AND position=:position AND state<1 AND due_at=:lease"""
)
"""Under its own lease alone: of a later run it would take the head out, and what went along would be sent without it."""
DEAD: Final = Prepared(
    sqlite="""SELECT subscription, position, state, key, attempts, due_at, finished_at, status
    FROM deliveries INDEXED BY ix_deliveries_dead
    WHERE subscription=:subscription AND state=2 AND position>:after ORDER BY position LIMIT :most""",
    postgres="""SELECT subscription, position, state, key, attempts, due_at, finished_at, status FROM deliveries
    WHERE subscription=:subscription AND state=2 AND position>:after ORDER BY position LIMIT :most""",
)
"""By an index of theirs: of all that a subscription ever got they are few."""
DEAD_COUNT: Final = Prepared(
    sqlite="""SELECT count(*) AS count FROM deliveries INDEXED BY ix_deliveries_dead
    WHERE subscription=:subscription AND state=2""",
    postgres="SELECT count(*) AS count FROM deliveries WHERE subscription=:subscription AND state=2",
)
REDRIVE: Final = Prepared(
    sqlite="""UPDATE deliveries SET state=0, attempts=0, due_at=:now, finished_at=NULL
    WHERE subscription=:subscription AND position IN (SELECT value FROM json_each(:wanted)) AND state=2""",
    postgres="""UPDATE deliveries SET state=0, attempts=0, due_at=:now, finished_at=NULL
    FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (position)
    WHERE subscription=:subscription AND deliveries.position=wanted.position AND state=2""",
)
IS_ANY_PARKED: Final = Prepared(
    sqlite="""SELECT 1 FROM deliveries INDEXED BY ix_deliveries_due
    WHERE subscription=:subscription AND state=0 AND due_at=:parked LIMIT 1""",
    postgres="SELECT 1 FROM deliveries WHERE subscription=:subscription AND state=0 AND due_at=:parked LIMIT 1",
)
"""One look-up, where finding each key's head is two: most of the time nothing waits behind another."""
UNPARK: Final = Prepared(
    sqlite="""UPDATE deliveries SET due_at=:now WHERE subscription=:subscription AND position IN (
    SELECT min(position) FROM deliveries WHERE subscription=:subscription AND state IN (0, 2)
    AND key IN (SELECT value FROM json_each(:wanted)) GROUP BY key) AND state<1 AND due_at=:parked""",
    postgres="""UPDATE deliveries SET due_at=:now FROM unnest((SELECT CAST(:wanted AS bigint[]))) AS wanted (key)
    CROSS JOIN LATERAL (SELECT position FROM deliveries
    WHERE subscription=:subscription AND deliveries.key=wanted.key AND state IN (0, 2) ORDER BY position LIMIT 1) AS head
    WHERE subscription=:subscription AND deliveries.position=head.position AND state<1 AND due_at=:parked""",
)
"""The head of each chain alone: those behind it go along with it, however many they are."""


def _insertion(made_before: str) -> Insertion:
    return Insertion(
        sqlite="INSERT INTO deliveries (subscription, position, state, key, attempts, due_at) "  # noqa: S608
        f"VALUES {{rows}} {made_before}",
        row="(?,?,0,?,0,?)",
        postgres="INSERT INTO deliveries (subscription, position, state, key, attempts, due_at) "  # noqa: S608
        "SELECT subscription, position, 0, key, 0, due_at FROM unnest(CAST(? AS int[]), "
        "CAST(? AS bigint[]), CAST(? AS bigint[]), CAST(? AS bigint[])) "
        f"AS made (subscription, position, key, due_at) {made_before}",
    )


NEW: Final = _insertion("ON CONFLICT (subscription, position) DO NOTHING")
"""Makes deliveries. The columns of a row: subscription, position, key, when it is due."""
NEW_OR_AGAIN: Final = _insertion(
    "ON CONFLICT (subscription, position) DO UPDATE SET state=0, attempts=0, due_at=excluded.due_at, "
    "finished_at=NULL WHERE deliveries.state<>0"
)
"""Makes deliveries, those too that were made before and are over."""
