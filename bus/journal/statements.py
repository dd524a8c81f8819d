"""The journal's statements, in both dialects where they differ.

One statement appends a group of events. Python's sqlite3 releases the interpreter lock at every step. With a step for each row,
each step would wait for the lock behind a busy event loop. PostgreSQL needs fewer round trips.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import merge
from itertools import islice
from typing import Final

from bus.journal.tables import STRETCH
from bus.storage import Insertion, Prepared, Transaction

Row = tuple[int, int, int, str, bytearray, str | None, str | None, int, bytes | bytearray]
"""One row of the journal, in the order of `_FIELDS`. A plain tuple, since Python makes it faster than a named tuple."""

Known = tuple[int, bytes]
"""An event that the journal has already: position and body."""

MOST_BYTES: Final = 4 * 1024 * 1024
"""Bytes of bodies after which a page ends: a thousand events of the largest kind would be a gigabyte."""

APPENDS: Final = (7102, 1)
"""The lock of appenders. The holder keeps it until the commit, so that positions become visible in order."""
NEWEST: Final = Prepared(
    sqlite="""SELECT position, journal.contract_id, participant, recorded_at FROM json_each(:wanted) AS wanted
    CROSS JOIN journal ON position=(SELECT position FROM journal INDEXED BY ix_journal_contract_id_position
    WHERE contract_id=wanted.value ORDER BY position DESC LIMIT 1)""",
    postgres="""SELECT newest.position, newest.contract_id, participant, recorded_at
    FROM unnest((SELECT CAST(:wanted AS int[]))) AS wanted (number)
    CROSS JOIN LATERAL (SELECT contract_id, position FROM journal
    WHERE contract_id=wanted.number ORDER BY position DESC LIMIT 1) AS newest
    JOIN journal ON journal.position=newest.position""",
)
"""One look-up for each contract, by the index of its events."""
MOMENTS: Final = Prepared(
    sqlite="SELECT position, recorded_at FROM journal WHERE position IN (SELECT value FROM json_each(:wanted))",
    postgres="SELECT position, recorded_at FROM journal WHERE position=ANY(CAST(:wanted AS bigint[]))",
)
_PLACED: Final = "SELECT position, contract_id, participant, recorded_at FROM journal WHERE"
LAST_OF_ALL: Final = Prepared.in_both(f"{_PLACED} position<:before ORDER BY position DESC LIMIT :limit")
LAST_OF_ONE: Final = Prepared.in_both(
    f"{_PLACED} contract_id=:contract AND position<:before ORDER BY position DESC LIMIT :limit"
)
LAST: Final = Prepared.in_both("SELECT coalesce(max(position), 0) FROM journal")

_FIELDS: Final = (
    "position", "contract_id", "version_id", "participant", "identity", "key", "person", "recorded_at", "body",
)  # fmt: skip
_IF_UNKNOWN: Final = "ON CONFLICT (identity) DO NOTHING"
EVENTS: Final = Insertion(
    sqlite=f"INSERT INTO journal ({','.join(_FIELDS)}) VALUES {{rows}} {_IF_UNKNOWN}",  # noqa: S608
    row="(" + ",".join("?" * len(_FIELDS)) + ")",
    postgres=f"""INSERT INTO journal ({",".join(_FIELDS)}) SELECT * FROM unnest(
    ?::bigint[], ?::int[], ?::int[], ?::text[], ?::bytea[], ?::text[], ?::text[], ?::bigint[], ?::bytea[])
    {_IF_UNKNOWN}""",  # noqa: S608
    # 500 rows are below SQLite's limit of parameters. Two sizes keep the number of prepared statements small.
    sizes=(500, 100),
)
"""Appends events, except those whose identity the journal has already."""

_KNOWN: Final = "SELECT identity, position, body FROM journal WHERE identity "
_MOST_KNOWN: Final = 100
"""Identities in one statement of SQLite's: so few that the statements of all sizes stay prepared."""


def known(transaction: Transaction, identities: Sequence[bytes]) -> dict[bytes, Known]:
    """The events that the journal has already, by their identities."""
    if not transaction.is_sqlite:
        rows = transaction.rows(_prepare_known(1), (list(identities),))
        return {row[0]: (row[1], row[2]) for row in rows}
    parts = [identities[start : start + _MOST_KNOWN] for start in range(0, len(identities), _MOST_KNOWN)]
    found = [transaction.rows(_prepare_known(len(part)), tuple(part)) for part in parts]
    return {row[0]: (row[1], row[2]) for rows in found for row in rows}


@cache
def _prepare_known(places: int) -> Prepared:
    return Prepared(sqlite=f"{_KNOWN}IN ({','.join('?' * places)})", postgres=f"{_KNOWN}= ANY(?::bytea[])")


_ARRAY: Final = "CASE WHEN substr(person, 1, 1) = '[' THEN person END"
"""The persons of an event that is about several; see `persons.py` for the two forms of the column."""


def _insert_persons(each: str) -> str:
    """The SQL that adds a row for each person of an event.

    Args:
        each: the dialect's table of the texts in `_ARRAY`, with the column `value`. It has no rows if `_ARRAY` is null.
    """
    return (
        f"INSERT INTO journal_persons (stretch, person, position, contract_id) SELECT position / {STRETCH}, "  # noqa: S608
        f"coalesce(each.value, person), position, contract_id FROM journal LEFT JOIN {each} ON true "
        "WHERE position > :after AND position <= :until AND person IS NOT NULL"
    )


_SQLITE_PERSONS: Final = _insert_persons(f"json_each({_ARRAY}) AS each")
_POSTGRES_PERSONS: Final = _insert_persons(f"LATERAL json_array_elements_text(CAST({_ARRAY} AS json)) AS each (value)")
_PRECEDING_EVENTS: Final = (
    "INSERT INTO journal_preceding (position, preceding) SELECT position, preceding FROM ("
    "SELECT j.position, coalesce(lag(j.position) OVER (PARTITION BY j.contract_id, j.key ORDER BY j.position), r.position) "
    "AS preceding FROM journal j LEFT JOIN records r ON r.contract_id = j.contract_id AND r.key = j.key "
    "WHERE j.position > :after AND j.position <= :until AND j.key IS NOT NULL) AS linked "
    "WHERE preceding IS NOT NULL ORDER BY position"
)
_RECORDS: Final = (
    "INSERT INTO records (contract_id, key, position) SELECT contract_id, key, max(position) FROM journal "
    "WHERE position > :after AND position <= :until AND key IS NOT NULL GROUP BY contract_id, key "
    "ON CONFLICT (contract_id, key) DO UPDATE SET position = excluded.position"
)
_RECORDS_ONE_BY_ONE: Final = (
    "INSERT INTO records (contract_id, key, position) SELECT contract_id, key, position FROM journal "
    "WHERE position > :after AND position <= :until AND key IS NOT NULL ORDER BY position "
    "ON CONFLICT (contract_id, key) DO UPDATE SET position = excluded.position"
)
SQLITE_PROJECTION: Final = (_SQLITE_PERSONS, _RECORDS_ONE_BY_ONE)
"""Statements that add the events after one position and up to another.

A record may move several times in one statement, and a trigger notes each position that it leaves. This is faster than to sort
the events and look up each record twice.
"""
_POSTGRES_PROJECTION: Final = tuple(
    Prepared(postgres=text) for text in (_POSTGRES_PERSONS, _PRECEDING_EVENTS, _RECORDS)
)
"""Preceding events come before the records move on to this stretch's events."""
_MOVED: Final = "; ".join(SQLITE_PROJECTION).replace(":after", "old.position").replace(":until", "new.position")
_SQLITE_TRIGGERS: Final = (
    Prepared(
        sqlite="CREATE TEMP TRIGGER IF NOT EXISTS note_preceding AFTER UPDATE ON records BEGIN "
        "INSERT INTO journal_preceding (position, preceding) VALUES (new.position, old.position); END"
    ),
    Prepared(sqlite=f"CREATE TEMP TRIGGER IF NOT EXISTS project AFTER UPDATE ON journal_projected BEGIN {_MOVED}; END"),
)
"""With these triggers, SQLite adds events in the statement that moves the position. After each further statement, a batch's
commit would wait for the interpreter lock behind the event loop."""
_MOVE: Final = Prepared.in_both("UPDATE journal_projected SET position = :until")


def project(transaction: Transaction, after: int, until: int) -> None:
    """Add the events after one position and up to another to the tables beside the journal, and move their position."""
    if transaction.is_sqlite:
        have_triggers(transaction)
    else:
        for statement in _POSTGRES_PROJECTION:
            transaction.execute(statement, {"after": after, "until": until})
    transaction.execute(_MOVE, {"until": until})


def have_triggers(transaction: Transaction) -> None:
    """Have SQLite add events whenever the position of the projection moves."""
    # Each time, since a rollback removes the triggers too.
    for trigger in _SQLITE_TRIGGERS:
        transaction.execute(trigger)


_NEXT: Final = Prepared(
    sqlite="SELECT position FROM journal WHERE contract_id = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?",
    postgres="""
SELECT next.position FROM unnest(?::int[]) AS wanted (contract_id) CROSS JOIN LATERAL (
    SELECT position FROM journal j WHERE j.contract_id = wanted.contract_id AND position > ? AND position <= ?
    ORDER BY position LIMIT ?) AS next ORDER BY position LIMIT ?""",
)
UP_TO: Final = Prepared.in_both(
    "SELECT position, contract_id FROM journal WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
)


def next_positions(
    transaction: Transaction, contract_ids: Collection[int], after: int, until: int, limit: int
) -> list[int]:
    """The positions of the next events of some contracts, each looked up in its own part of the index."""
    if not transaction.is_sqlite:
        rows = transaction.rows(_NEXT, (list(contract_ids), after, until, limit, limit))
        return [row[0] for row in rows]
    each = [[row[0] for row in transaction.rows(_NEXT, (one, after, until, limit))] for one in contract_ids]
    return list(islice(merge(*each), limit))


_ENTRY: Final = ("position", "contract_id", "version_id", "participant", "key", "person", "recorded_at", "body")
_LINE: Final = ("position", "version_id", "body")
_OF_CONTRACT: Final = (
    "FROM journal WHERE journal.contract_id = :contract AND journal.position > :after "
    "ORDER BY journal.position LIMIT :limit"
)
_OF_RECORDS: Final = (
    "FROM records JOIN journal USING (position) WHERE records.contract_id = :contract AND records.position > :after "
    "AND records.position <= :until ORDER BY records.position LIMIT :limit"
)


def prepare_page(columns: Sequence[str], source: str) -> Prepared:
    """A statement for rows in order of position, whose last column is the body.

    PostgreSQL's driver holds all rows before it gives the first. There the rows end with the one that reaches `MOST_BYTES`.
    SQLite's driver gives rows as they are found, so its reader stops by itself.
    """
    names, found = ", ".join(columns), ", ".join(f"journal.{column}" for column in columns)
    rows = f"SELECT {found} {source}"
    sized = f"SELECT {names}, sum(octet_length(body)) OVER (ORDER BY position) AS size FROM ({rows}) AS page"  # noqa: S608
    short = f"SELECT {names} FROM ({sized}) AS sized WHERE size - octet_length(body) < {MOST_BYTES} ORDER BY position"  # noqa: S608
    return Prepared(sqlite=rows, postgres=short)


FEED: Final = prepare_page(_ENTRY, _OF_CONTRACT)
"""A contract's events in the columns of an `Entry`."""
HEADS: Final = prepare_page(_ENTRY, _OF_RECORDS)
"""The newest event of each record up to a position, in the columns of an `Entry`."""


@dataclass(frozen=True, slots=True, eq=False)
class LineStatements:
    """Statements for lines, whose parameters are `contract`, `after` and `limit`, and for records `until`.

    Attributes:
        end: gives the position up to which the rows are complete.
        rows: give position, version and body.
        joined: only for SQLite: gives all positions, versions, lengths and bodies in one row.
    """

    end: Prepared
    rows: Prepared
    joined: Prepared


def _prepare_lines(end: Prepared, source: str) -> LineStatements:
    rows = prepare_page(_LINE, source)
    joined = (
        "SELECT json_group_array(position), json_group_array(version_id), json_group_array(length(body)), "  # noqa: S608
        f"CAST(group_concat(CAST(body AS TEXT), ',') AS BLOB) FROM ({rows.sqlite})"
    )
    return LineStatements(end, rows, Prepared(sqlite=joined))


REACHED: Final = Prepared.in_both("SELECT coalesce(max(position), 0) FROM journal_projected")
FEED_LINES: Final = _prepare_lines(LAST, _OF_CONTRACT)
"""Every event of a contract."""
RECORD_LINES: Final = _prepare_lines(REACHED, _OF_RECORDS)
"""The newest event of each record of a contract, up to a position."""
_REPLACED_EVENTS: Final = (
    "FROM journal_preceding AS p JOIN journal ON journal.position = p.preceding WHERE p.position > :seen "
    "AND p.preceding > :after AND p.preceding <= :head AND journal.contract_id = :contract"
)
REPLACED: Final = Prepared.in_both(f"SELECT p.preceding {_REPLACED_EVENTS} AND p.position <= :reached")
"""Events up to `head` that a later event of the same record, between `seen` and `reached`, replaced."""
COUNT_STATE: Final = Prepared.in_both(
    "SELECT (SELECT count(*) FROM records WHERE contract_id = :contract AND position > :after "  # noqa: S608
    f"AND position <= :head) + (SELECT count(*) {_REPLACED_EVENTS})"
)
"""How many records have an event between `after` and `head`. One statement, so that PostgreSQL counts one snapshot."""

_AMONG: Final = (
    "position IN (SELECT value FROM json_each(:positions))",
    "position = ANY(CAST(:positions AS bigint[]))",
)
AT: Final = Prepared(*(f"SELECT {', '.join(_ENTRY)} FROM journal WHERE {among}" for among in _AMONG))  # noqa: S608
"""The events at some positions, in the columns of an `Entry`."""
AT_JOINED: Final = Prepared(
    sqlite=f"SELECT json_group_array(json_array({', '.join(_ENTRY[:-1])}, length(body))), "  # noqa: S608
    f"CAST(group_concat(CAST(body AS TEXT), '') AS BLOB) FROM journal WHERE {_AMONG[0]} "
    f"AND (SELECT sum(length(body)) FROM journal WHERE {_AMONG[0]}) <= {MOST_BYTES}"
)
"""Only for SQLite: the same columns with the length of each body, and all bodies joined, in one row."""
LENGTHS: Final = Prepared(
    sqlite=f"SELECT position, length(body) FROM journal WHERE {_AMONG[0]}",  # noqa: S608
    postgres=f"SELECT position, octet_length(body) FROM journal WHERE {_AMONG[1]}",  # noqa: S608
)
CONTRACTS_AT: Final = Prepared(*(f"SELECT position, contract_id FROM journal WHERE {among}" for among in _AMONG))  # noqa: S608
BY_KEY: Final = Prepared.in_both(
    "SELECT key, position FROM records WHERE contract_id = :contract AND key > :above ORDER BY key LIMIT :limit"
)
"""Records in the order of the bytes of their keys, with the position of their newest event."""
_EACH: Final = ("json_each(:positions) AS each", "unnest(CAST(:positions AS bigint[])) AS each (value)")
BACK: Final = Prepared(
    *(
        "WITH RECURSIVE back (start, position) AS (SELECT each.value, each.value "  # noqa: S608
        f"FROM {each} UNION ALL SELECT back.start, p.preceding FROM back JOIN journal_preceding AS p USING (position) "
        "WHERE back.position > :head) SELECT start, position FROM back WHERE position <= :head"
        for each in _EACH
    )
)
"""For each event, the newest event of the same record up to `head`. No row for a record that began later."""
CHAIN: Final = Prepared.in_both(
    "WITH RECURSIVE chain (position) AS (SELECT CAST(:position AS bigint) UNION ALL "
    "SELECT p.preceding FROM chain JOIN journal_preceding AS p USING (position)) SELECT position FROM chain LIMIT :limit"
)
"""An event and the events of the same record before it, newest first."""
HOLD_EVENT: Final = Prepared(
    sqlite="SELECT 1 FROM journal WHERE position = :position",
    postgres="SELECT 1 FROM journal WHERE position = :position FOR KEY SHARE",
)
VERSIONS_AT: Final = Prepared(*(f"SELECT position, version_id FROM journal WHERE {among}" for among in _AMONG))  # noqa: S608
PRECEDING: Final = Prepared(*(f"SELECT position, preceding FROM journal_preceding WHERE {among}" for among in _AMONG))  # noqa: S608
RECORDED_FROM: Final = Prepared.in_both(
    "SELECT recorded_at FROM journal WHERE position >= :position ORDER BY position LIMIT 1"
)

BEGIN_PROJECTION: Final = Prepared.in_both(
    "INSERT INTO journal_projected (id, position) VALUES (1, 0) ON CONFLICT DO NOTHING"
)
HOLD_PROJECTION: Final = Prepared.in_both("UPDATE journal_projected SET position = position RETURNING position")
"""The position. The statement locks the row, so that no other process projects at the same time."""
MOVE_PROJECTION_ALONG: Final = Prepared(
    sqlite="UPDATE journal_projected SET position = min(position + :count, (SELECT coalesce(max(position), 0) FROM journal))"
)
PERSONS_AT: Final = Prepared(
    sqlite="SELECT DISTINCT person FROM journal_persons WHERE stretch = :stretch "
    "AND position IN (SELECT value FROM json_each(:positions))",
    postgres="SELECT DISTINCT person FROM journal_persons WHERE stretch = :stretch "
    "AND position = ANY(CAST(:positions AS bigint[]))",
)
ABOUT_PERSON: Final = Prepared.in_both(
    "WITH RECURSIVE stretches (stretch) AS (SELECT 0 UNION ALL SELECT stretch + 1 FROM stretches "  # noqa: S608
    f"WHERE stretch < (SELECT max(position) / {STRETCH} FROM journal_projected)) "
    "SELECT position, contract_id FROM stretches JOIN journal_persons AS p USING (stretch) WHERE person = :person "
    "ORDER BY position"
)
