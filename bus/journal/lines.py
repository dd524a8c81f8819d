"""Lines: a contract's events as they are handed on whole, a thousand of them in a millisecond.

Unlike entries they are never taken apart, and SQLite is asked through its driver, since SQLAlchemy's rows would take as long as
the reading.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bus import json
from bus.journal.tables import JOURNAL, RECORDS
from bus.storage import driver

MOST_BYTES: Final = 4 * 1024 * 1024
"""Of bodies, after which a page ends: a thousand events of the largest kind would be a gigabyte."""

_FETCHED: Final = 30
"""Rows taken at once, of which some may be given back: one at a time would cost a tenth of the page."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Events in order of position.

    Attributes:
        text: the CloudEvents in JSON, as the bus hands them out, with commas between them.
        lengths: of each.
        positions: the same events' places.
        by_version: the positions of each contract version's events.
        is_last: no more stood behind them.
        end: up to where the journal was looked through, just before they were read.
    """

    text: bytes
    lengths: Sequence[int]
    positions: Sequence[int]
    by_version: Mapping[int, Sequence[int]]
    is_last: bool
    end: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines to read, in both dialects; each gives position, version and body.

    The parameters of both are the contract, the position to begin behind, and the most lines, in this order.

    Attributes:
        end: gives the position up to which these are all, in both dialects.
    """

    end: str
    sqlite: str
    postgres: sa.Select[Any]


def limited(statement: sa.Select[Any], is_sqlite: bool = False) -> sa.Select[Any]:
    """A statement that ends with the row that reaches `MOST_BYTES`.

    PostgreSQL's driver holds all rows before it gives the first. SQLite's gives them as they are found, so that its reader
    just takes no more and the statement stays as it is.

    Args:
        statement: in order of `position` and with a limit; among its columns is `body`.
    """
    if is_sqlite:
        return statement
    rows = statement.subquery()
    length = sa.func.octet_length(rows.c.body)
    sized = sa.select(rows, sa.func.sum(length).over(order_by=rows.c.position).label("size")).subquery()
    columns = [sized.c[column.name] for column in rows.c]
    before = sized.c.size - sa.func.octet_length(sized.c.body)
    return sa.select(*columns).where(before < MOST_BYTES).order_by(sized.c.position)


def within_bytes(rows: Any, limit: int) -> tuple[list[Any], bool]:
    """The rows, whose last column is a body, up to the one that reaches `MOST_BYTES`; and whether these were all.

    Args:
        rows: the driver's cursor or SQLAlchemy's result.
        limit: the most rows that the statement gives.
    """
    taken: list[Any] = []
    size = 0
    while size < MOST_BYTES and (some := rows.fetchmany(_FETCHED)):
        taken += some
        size += sum([len(row[-1]) for row in some])
    if size < MOST_BYTES:
        return taken, len(taken) < limit
    while (size := size - len(taken[-1][-1])) >= MOST_BYTES:
        taken.pop()
    return taken, False


_COLUMNS: Final = (JOURNAL.c.position, JOURNAL.c.version_id, JOURNAL.c.body)

FEED: Final = Wanted(
    end="SELECT coalesce(max(position), 0) FROM journal",
    sqlite=(
        "SELECT position, version_id, body FROM journal "
        "WHERE contract_id = ? AND position > ? ORDER BY position LIMIT ?"
    ),
    postgres=limited(
        sa.select(*_COLUMNS)
        .where(JOURNAL.c.contract_id == sa.bindparam("contract"), JOURNAL.c.position > sa.bindparam("after"))
        .order_by(JOURNAL.c.position)
        .limit(sa.bindparam("limit"))
    ),
)
"""Every event."""

HEADS: Final = Wanted(
    end="SELECT coalesce(max(position), 0) FROM journal_projected",
    sqlite=(
        "SELECT journal.position, version_id, body FROM records JOIN journal USING (position) "
        "WHERE records.contract_id = ? AND records.position > ? ORDER BY records.position LIMIT ?"
    ),
    postgres=limited(
        sa.select(*_COLUMNS)
        .join(RECORDS, RECORDS.c.position == JOURNAL.c.position)
        .where(RECORDS.c.contract_id == sa.bindparam("contract"), RECORDS.c.position > sa.bindparam("after"))
        .order_by(RECORDS.c.position)
        .limit(sa.bindparam("limit"))
    ),
)
"""The newest event of each record."""


_TOGETHER: Final = (
    "SELECT json_group_array(position), json_group_array(version_id), json_group_array(length(body)), "
    "CAST(group_concat(CAST(body AS TEXT), ',') AS BLOB) FROM ({})"
)


def read(connection: Connection, wanted: Wanted, contract_id: int, after: int, limit: int) -> Lines:
    """At most so many lines of a contract behind a position, and fewer where they are large (see `MOST_BYTES`)."""
    if connection.dialect.name == "sqlite":
        asked = driver(connection)
        end = asked.execute(wanted.end).fetchone()[0]
        arguments = (contract_id, after, limit)
        together = _together(asked, wanted.sqlite, arguments, end)
        if together is not None:
            return together
        rows, is_last = within_bytes(asked.execute(wanted.sqlite, arguments), limit)
    else:
        # First the end: here each statement sees what was committed when it began.
        end = connection.exec_driver_sql(wanted.end).scalar_one()
        parameters = {"contract": contract_id, "after": after, "limit": limit}
        rows, is_last = within_bytes(connection.execute(wanted.postgres, parameters), limit)
    positions, versions, bodies = [[row[column] for row in rows] for column in range(3)]
    return Lines(
        b",".join(bodies), [len(body) for body in bodies], positions, _by_version(versions, positions), is_last, end
    )


def _together(asked: sqlite3.Connection, rows: str, arguments: tuple[int, int, int], end: int) -> Lines | None:
    """The lines as SQLite joins them, which is faster; None when they are too large for a page.

    The first tells whether they will be, and the connection's own limit ends the joining where it was wrong.
    """
    contract_id, after, limit = arguments
    with closing(asked.execute(rows, (contract_id, after, 1))) as first:
        row = first.fetchone()
    if row is None or len(row[-1]) * limit >= MOST_BYTES:
        return None
    usual = asked.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)
    try:
        *columns, text = asked.execute(_TOGETHER.format(rows), arguments).fetchone()
    except sqlite3.DataError:
        return None
    finally:
        asked.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, usual)
    positions, versions, lengths = [json.loads(column) for column in columns]
    return Lines(text, lengths, positions, _by_version(versions, positions), len(positions) < limit, end)


def _by_version(versions: Sequence[int], positions: Sequence[int]) -> Mapping[int, Sequence[int]]:
    distinct = set(versions)
    if len(distinct) == 1:
        return dict.fromkeys(distinct, positions)
    of = list(zip(versions, positions, strict=True))
    return {version: [position for one, position in of if one == version] for version in distinct}
