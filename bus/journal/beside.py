"""Beside the append: what a room writes in the append's transaction, so that it needs no read and no transaction of its own."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from bus.journal.read import Entry
from bus.journal.statements import Row
from bus.storage import Transaction

Take = Callable[[Transaction, Sequence[Row]], None]
"""Called in the transaction with the appended events, in order. If it raises, the events are appended without it."""


class Beside(Protocol):
    """A room that writes beside small appends."""

    def take_part(self) -> AbstractContextManager[Take | None]:
        """Entered before each transaction; None: there is nothing to write.

        The block ends without an error when the transaction is committed.
        """
        ...


class NothingBeside:
    """The append writes its events alone."""

    def take_part(self) -> AbstractContextManager[Take | None]:
        """There is nothing to write."""
        return nullcontext()


def select_entries(rows: Sequence[Row], contract_ids: Collection[int]) -> list[Entry]:
    """The entries of appended events that belong to some contracts."""
    return [
        Entry(position, contract, version, participant, key, person, recorded_at, bytes(body))
        for position, contract, version, participant, _, key, person, recorded_at, body in rows
        if contract in contract_ids
    ]
