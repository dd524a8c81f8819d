"""Following the journal for some contracts: where their next events are, however many others stand between."""

from collections.abc import Collection
from heapq import merge
from itertools import islice
from typing import Final, NamedTuple

from sqlalchemy.engine import Connection

from bus.storage import driver

_MOST_ASKED: Final = 100
"""Contracts that are each asked for in their index; of more, the journal is read as it stands, and the others are left out."""
_SQLITE_NEXT: Final = (
    "SELECT position FROM journal WHERE contract_id = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?"
)
_SQLITE_ALL: Final = (
    "SELECT position, contract_id FROM journal WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
)
_POSTGRES_NEXT: Final = """
SELECT next.position FROM unnest(%s::int[]) AS wanted (contract_id) CROSS JOIN LATERAL (
    SELECT position FROM journal j WHERE j.contract_id = wanted.contract_id AND position > %s AND position <= %s
    ORDER BY position LIMIT %s) AS next ORDER BY position LIMIT %s"""
_POSTGRES_ALL: Final = (
    "SELECT position, contract_id FROM journal WHERE position > %s AND position <= %s ORDER BY position LIMIT %s"
)


class Found(NamedTuple):
    """Where the next events of some contracts are.

    Attributes:
        positions: theirs, in order.
        reached: up to here these are all.
        is_last: and this is as far as was asked for.
    """

    positions: list[int]
    reached: int
    is_last: bool


def upcoming(connection: Connection, contract_ids: Collection[int], after: int, until: int, limit: int) -> Found:
    """The next events of some contracts behind one position and up to another; at most so many, or so many looked at."""
    if len(contract_ids) > _MOST_ASKED:
        return _looked_at(connection, contract_ids, after, until, limit)
    if connection.dialect.name == "sqlite":
        asked = driver(connection)
        each = [[row[0] for row in asked.execute(_SQLITE_NEXT, (one, after, until, limit))] for one in contract_ids]
        positions = list(islice(merge(*each), limit))
    else:
        arguments = (list(contract_ids), after, until, limit, limit)
        positions = list(connection.exec_driver_sql(_POSTGRES_NEXT, arguments).scalars())
    is_last = len(positions) < limit
    return Found(positions, max(after, until) if is_last else positions[-1], is_last)


def _looked_at(connection: Connection, contract_ids: Collection[int], after: int, until: int, limit: int) -> Found:
    statement = _SQLITE_ALL if connection.dialect.name == "sqlite" else _POSTGRES_ALL
    rows = [(row[0], row[1]) for row in connection.exec_driver_sql(statement, (after, until, limit))]
    positions = [position for position, contract_id in rows if contract_id in contract_ids]
    is_last = len(rows) < limit
    return Found(positions, max(after, until) if is_last else rows[-1][0], is_last)
