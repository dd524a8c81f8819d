"""Following the journal for some contracts: where their next events are, however many others stand between."""

from collections.abc import Collection
from typing import Final, NamedTuple

from bus.journal import statements
from bus.storage import Transaction

_MOST_ASKED: Final = 100
"""Contracts that are each asked for in their index; of more, the journal is read as it stands, and the others are left out."""


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


def upcoming(transaction: Transaction, contract_ids: Collection[int], after: int, until: int, limit: int) -> Found:
    """The next events of some contracts behind one position and up to another; at most so many, or so many looked at."""
    if len(contract_ids) > _MOST_ASKED:
        return _looked_at(transaction, contract_ids, after, until, limit)
    positions = statements.next_positions(transaction, contract_ids, after, until, limit)
    is_last = len(positions) < limit
    return Found(positions, max(after, until) if is_last else positions[-1], is_last)


def _looked_at(transaction: Transaction, contract_ids: Collection[int], after: int, until: int, limit: int) -> Found:
    rows = transaction.rows(statements.UP_TO, (after, until, limit))
    positions = [position for position, contract_id in rows if contract_id in contract_ids]
    is_last = len(rows) < limit
    return Found(positions, max(after, until) if is_last else rows[-1][0], is_last)
