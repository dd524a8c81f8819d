"""Following the journal for some contracts: finds their next events, however many other events stand between."""

from collections.abc import Collection
from typing import Final, NamedTuple

from bus.journal import statements
from bus.storage import Transaction

_MOST_ASKED: Final = 100
"""Contracts that are looked up one by one in the index. For more contracts, the journal is read in order and filtered."""


class NextPositions(NamedTuple):
    """Where the next events of some contracts are.

    Attributes:
        positions: the events' positions, in order.
        reached: the position up to which `positions` are complete.
        is_last: `reached` is the position that the caller asked for.
    """

    positions: list[int]
    reached: int
    is_last: bool


def upcoming(
    transaction: Transaction, contract_ids: Collection[int], after: int, until: int, limit: int
) -> NextPositions:
    """Where the next events of some contracts are, after one position and up to another.

    Args:
        limit: the most events to find. If the journal is read in order, the most events to read.
    """
    if len(contract_ids) > _MOST_ASKED:
        return _search_in_order(transaction, contract_ids, after, until, limit)
    positions = statements.next_positions(transaction, contract_ids, after, until, limit)
    is_last = len(positions) < limit
    return NextPositions(positions, max(after, until) if is_last else positions[-1], is_last)


def _search_in_order(
    transaction: Transaction, contract_ids: Collection[int], after: int, until: int, limit: int
) -> NextPositions:
    rows = transaction.rows(statements.UP_TO, (after, until, limit))
    positions = [position for position, contract_id in rows if contract_id in contract_ids]
    is_last = len(rows) < limit
    return NextPositions(positions, max(after, until) if is_last else rows[-1][0], is_last)
