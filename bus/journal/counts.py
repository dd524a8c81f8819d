"""Counts: how many events were accepted in which minute, by contract and sender; and the origins of single events."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from bus.journal import statements
from bus.storage import Prepared, Transaction

MINUTE: Final = 60_000_000
"""Microseconds."""
_STEP: Final = 2_000
"""Positions that one question counts."""


class AcceptedCount(NamedTuple):
    """Events of one sender under one contract.

    Attributes:
        minute: since 1970.
    """

    minute: int
    contract_id: int
    sender: str
    events: int


class Origin(NamedTuple):
    """Where an event is from. `recorded_at`: in microseconds since 1970."""

    contract_id: int
    sender: str
    recorded_at: int


_COUNT: Final = Prepared.in_both(
    "SELECT recorded_at/:minute, contract_id, participant, count(*) FROM journal "
    "WHERE position>:after AND position<=:until GROUP BY 1, 2, 3"
)
_ORIGINS: Final = Prepared(
    sqlite="SELECT position, contract_id, participant, recorded_at FROM journal "
    "WHERE position IN (SELECT value FROM json_each(:wanted))",
    postgres="SELECT position, contract_id, participant, recorded_at FROM journal "
    "WHERE position=ANY(CAST(:wanted AS bigint[]))",
)


def count_accepted(transaction: Transaction, after: int) -> tuple[list[AcceptedCount], int]:
    """The counts of the next events behind a position, and the position up to which they are counted."""
    until = min(after + _STEP, int(transaction.value(statements.LAST)))
    if until <= after:
        return [], after
    rows = transaction.rows(_COUNT, {"after": after, "until": until, "minute": MINUTE})
    return [AcceptedCount(*row) for row in rows], until


def find_origins(transaction: Transaction, positions: Sequence[int]) -> dict[int, Origin]:
    """The origins of events, by position. Deleted events are left out."""
    rows = transaction.rows(_ORIGINS, {"wanted": transaction.numbers(positions)})
    return {position: Origin(*rest) for position, *rest in rows}
