"""Lines: a contract's events as they are handed on whole, a thousand of them in a millisecond. They are never taken apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bus import json
from bus.journal import statements
from bus.journal.statements import MOST_BYTES
from bus.storage import Rows, Transaction

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


def within_bytes(rows: Rows, limit: int) -> tuple[list[Any], bool]:
    """The rows, whose last column is a body, up to the one that reaches `MOST_BYTES`; and whether these were all.

    Args:
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


def read(
    transaction: Transaction, wanted: statements.LineStatements, contract_id: int, after: int, limit: int
) -> Lines:
    """At most so many lines of a contract behind a position, and fewer where they are large (see `MOST_BYTES`)."""
    # First the end: in PostgreSQL each statement sees what was committed when it began.
    end = int(transaction.value(wanted.end))
    asked = {"contract": contract_id, "after": after, "limit": limit}
    if transaction.is_sqlite:
        together = _together(transaction, wanted, asked, end)
        if together is not None:
            return together
    with transaction.stream(wanted.rows, asked) as found:
        rows, is_last = within_bytes(found, limit)
    positions, versions, bodies = [[row[column] for row in rows] for column in range(3)]
    return Lines(
        b",".join(bodies), [len(body) for body in bodies], positions, _by_version(versions, positions), is_last, end
    )


def _together(
    transaction: Transaction, wanted: statements.LineStatements, asked: Mapping[str, int], end: int
) -> Lines | None:
    """The lines as SQLite joins them, which is faster; None when they are too large for a page.

    The first tells whether they will be, and the limit of `one_within` ends the joining where it was wrong.
    """
    first = transaction.one(wanted.rows, {**asked, "limit": 1})
    if first is None or len(first[-1]) * asked["limit"] >= MOST_BYTES:
        return None
    joined = transaction.one_within(MOST_BYTES, wanted.joined, asked)
    if joined is None:
        return None
    *columns, text = joined
    positions, versions, lengths = [json.loads(column) for column in columns]
    return Lines(text, lengths, positions, _by_version(versions, positions), len(positions) < asked["limit"], end)


def _by_version(versions: Sequence[int], positions: Sequence[int]) -> Mapping[int, Sequence[int]]:
    distinct = set(versions)
    if len(distinct) == 1:
        return dict.fromkeys(distinct, positions)
    of = list(zip(versions, positions, strict=True))
    return {version: [position for one, position in of if one == version] for version in distinct}
