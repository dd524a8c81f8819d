"""How far the relay has fanned the journal out, as the database keeps it."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bus.delivery.tables import RELAY
from bus.storage import execute

_SET = (
    "INSERT INTO relay (id, position) VALUES (1, :position) ON CONFLICT (id) DO UPDATE SET position=excluded.position"
)


def relayed(connection: Connection) -> int:
    """Up to where the journal has been fanned out."""
    return int(connection.execute(sa.select(RELAY.c.position).where(RELAY.c.id == 1)).scalar() or 0)


def set_relayed(connection: Connection, position: int) -> None:
    """Note up to where the journal has been fanned out."""
    execute(connection, _SET, {"position": position})
