"""Beside the append: a room may write in the append's transaction. It then needs no read and no transaction of its own."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from bus.journal.entries import Entry
from bus.journal.statements import Row
from bus.storage import Transaction

Take = Callable[[Transaction, Sequence[Row]], None]
"""Called in the transaction with the appended events, in order. If it raises, the append writes the events alone."""


class Beside(Protocol):
    """A room that writes beside small appends."""

    def take_part(self) -> AbstractContextManager[Take | None]:
        """The context of one transaction; its value is None if there is nothing to write.

        The append enters it before the transaction. The block ends without an error when the transaction is committed.
        """
        ...


class NothingBeside:
    """Lets the append write its events alone."""

    def take_part(self) -> AbstractContextManager[Take | None]:
        """The context of a transaction that writes nothing beside."""
        return nullcontext()


def select_entries(rows: Sequence[Row], contract_ids: Collection[int]) -> list[Entry]:
    """The entries of appended events that belong to some contracts."""
    return [
        Entry(position, contract, version, participant, key, person, recorded_at, bytes(body))
        for position, contract, version, participant, _, key, person, recorded_at, body in rows
        if contract in contract_ids
    ]
