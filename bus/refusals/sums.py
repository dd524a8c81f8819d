"""Sums: how many events were refused in which hour, by contract and sender."""

from typing import NamedTuple

import sqlalchemy as sa

from bus.refusals.tables import REFUSALS
from bus.storage import Transaction


class RefusedSum(NamedTuple):
    """Refused events of one sender under one contract in an hour.

    Attributes:
        hour: its first microsecond since 1970.
        contract: empty if the events named none that is registered.
    """

    hour: int
    contract: str
    sender: str
    events: int


def sum_refused(transaction: Transaction, since: int) -> list[RefusedSum]:
    """The sums of the hours that began at `since` (microseconds since 1970) or later. They only grow."""
    table = REFUSALS.c
    by = (table.hour, table.contract, table.participant)
    statement = sa.select(*by, sa.func.sum(table.events)).where(table.hour >= since).group_by(*by)
    return [
        RefusedSum(hour, contract, sender, int(events))
        for hour, contract, sender, events in transaction.rows(statement)
    ]
