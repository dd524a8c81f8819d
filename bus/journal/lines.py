"""Lines: a contract's events as stored, for readers that see all of them. Nothing parses the events, which is fast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bus import json
from bus.journal import statements
from bus.journal.statements import MOST_BYTES
from bus.storage import Rows, Transaction

_FETCHED: Final = 30
"""Rows that are fetched at once. Some may go unused: to fetch rows one by one is slower."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Events in order of position.

    Attributes:
        text: the CloudEvents in JSON, as the bus hands them out, with commas between them.
        lengths: the length of each event, in bytes.
        positions: the positions of the same events.
        by_version: the positions of each contract version's events.
        is_last: no further event stood behind them.
        end: the position up to which the journal was searched, just before the events were read.
    """

    text: bytes
    lengths: Sequence[int]
    positions: Sequence[int]
    by_version: Mapping[int, Sequence[int]]
    is_last: bool
    end: int


def within_bytes(rows: Rows, limit: int) -> tuple[list[Any], bool]:
    """The rows up to the one whose body reaches `MOST_BYTES`, and whether these were all rows.

    Args:
        rows: rows whose last column is a body.
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


def read(transaction: Transaction, wanted: statements.LineStatements, asked: Mapping[str, int]) -> Lines:
    """At most `limit` lines of a contract after a position. Fewer if they are large (see `MOST_BYTES`).

    Args:
        asked: the parameters of the statements.
    """
    # The end comes first: in PostgreSQL each statement sees what was committed when that statement began.
    end = int(transaction.value(wanted.end))
    limit = asked["limit"]
    if transaction.is_sqlite:
        together = _read_joined(transaction, wanted, asked, end)
        if together is not None:
            return together
    with transaction.stream(wanted.rows, asked) as found:
        rows, is_last = within_bytes(found, limit)
    positions, versions, bodies = [[row[column] for row in rows] for column in range(3)]
    return Lines(
        b",".join(bodies),
        [len(body) for body in bodies],
        positions,
        _group_by_version(versions, positions),
        is_last,
        end,
    )


def _read_joined(
    transaction: Transaction, wanted: statements.LineStatements, asked: Mapping[str, int], end: int
) -> Lines | None:
    """The lines as SQLite joins them, which is faster. None if they are too large for a page.

    The first line's size predicts whether they are. If it is wrong, the limit of `one_within` ends the joining.
    """
    first = transaction.one(wanted.rows, {**asked, "limit": 1})
    if first is None or len(first[-1]) * asked["limit"] >= MOST_BYTES:
        return None
    joined = transaction.one_within(MOST_BYTES, wanted.joined, asked)
    if joined is None:
        return None
    *columns, text = joined
    positions, versions, lengths = [json.loads(column) for column in columns]
    return Lines(text, lengths, positions, _group_by_version(versions, positions), len(positions) < asked["limit"], end)


def _group_by_version(versions: Sequence[int], positions: Sequence[int]) -> Mapping[int, Sequence[int]]:
    distinct = set(versions)
    if len(distinct) == 1:
        return dict.fromkeys(distinct, positions)
    of = list(zip(versions, positions, strict=True))
    return {version: [position for one, position in of if one == version] for version in distinct}
