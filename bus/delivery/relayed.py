"""The position up to which the relay has fanned out the journal, in the database."""

from typing import Final

import sqlalchemy as sa

from bus.delivery.tables import RELAY
from bus.storage import Prepared, Transaction

_SET: Final = Prepared.in_both(
    "INSERT INTO relay (id, position) VALUES (1, :position) ON CONFLICT (id) DO UPDATE SET position=excluded.position"
)


def read_relayed(transaction: Transaction) -> int:
    """The position up to which the journal is fanned out."""
    return int(transaction.value(sa.select(RELAY.c.position).where(RELAY.c.id == 1)) or 0)


def write_relayed(transaction: Transaction, position: int) -> None:
    """Write the position up to which the journal is fanned out."""
    transaction.execute(_SET, {"position": position})
