"""The position up to which the relay has fanned out the journal, in the database."""

import sqlalchemy as sa

from bus.delivery import statements
from bus.delivery.tables import RELAY
from bus.storage import Transaction


def read_relayed(transaction: Transaction) -> int:
    """The position up to which the journal is fanned out."""
    return int(transaction.value(sa.select(RELAY.c.position).where(RELAY.c.id == 1)) or 0)


def write_relayed(transaction: Transaction, position: int) -> None:
    """Write the position up to which the journal is fanned out."""
    transaction.execute(statements.SET_RELAYED, {"position": position})
