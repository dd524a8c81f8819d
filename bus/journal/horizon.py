"""The horizon: how far back the journal is whole for one contract, since retention deletes older events."""

from typing import Final, NamedTuple

from bus.storage import Prepared, Transaction

_HORIZON: Final = Prepared.in_both(
    "SELECT coalesce(max(whole_from), 0), coalesce(max(deletions_from), 0), "
    "(SELECT coalesce(max(position), 0) FROM journal) FROM journal_retention WHERE contract_id = :contract"
)


class Horizon(NamedTuple):
    """What retention deleted of a contract's events.

    Attributes:
        whole: a reader that has everything up to here, or further, missed nothing. 0: nothing was deleted. Every event behind
            this position is there. The state of the records at each position behind it is there too.
        deletions: the position of the last deletion of a record that is gone. A reader that has the records as they were here,
            or later, and that sees all records, misses none.
        end: the journal's newest position.
    """

    whole: int
    deletions: int
    end: int = 0


def read_horizon(transaction: Transaction, contract_id: int) -> Horizon:
    """A contract's horizon. Read it after the events: what is missing among them was deleted before."""
    return Horizon(*transaction.rows(_HORIZON, {"contract": contract_id})[0])
