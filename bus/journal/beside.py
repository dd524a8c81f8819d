"""Beside the append: what a room writes in the append's transaction, so that it needs no read and no transaction of its own."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager

from bus.journal.read import Entry
from bus.journal.statements import Row
from bus.storage import Transaction

Take = Callable[[Transaction, Sequence[Row]], None]
"""Called in the transaction with the appended events, in order. If it raises, the events are appended without it."""
Beside = Callable[[], AbstractContextManager[Take | None]]
"""Entered before each transaction. Its block ends without an error when the transaction is committed; None: nothing to write."""


def select_entries(rows: Sequence[Row], contract_ids: Collection[int]) -> list[Entry]:
    """The entries of appended events that belong to some contracts."""
    return [
        Entry(position, contract, version, participant, key, person, recorded_at, bytes(body))
        for position, contract, version, participant, _, key, person, recorded_at, body in rows
        if contract in contract_ids
    ]
