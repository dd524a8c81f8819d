"""Beside the append: what else its transaction writes, for who would otherwise read the events and write in one of its own."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager

from bus.journal.read import Entry
from bus.journal.statements import Row
from bus.storage import Transaction

Take = Callable[[Transaction, Sequence[Row]], None]
"""Called in the transaction with the events that were appended, in order; what it raises has them appended without it."""
Beside = Callable[[], AbstractContextManager[Take | None]]
"""Entered before each transaction, which is committed when its block ends without an error; None: not this time."""


def entries_of(rows: Sequence[Row], contract_ids: Collection[int]) -> list[Entry]:
    """Those of appended events that some contracts are about."""
    return [
        Entry(position, contract, version, participant, key, person, recorded_at, bytes(body))
        for position, contract, version, participant, _, key, person, recorded_at, body in rows
        if contract in contract_ids
    ]
