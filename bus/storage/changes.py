"""Changes: how every process notices within a second that a contract, a client or a subscription changed.

Whoever changes something raises a number in the same transaction; every process looks at the numbers a few times a second
and reads again what moved. It works for a command beside a running server and for a fleet, with or without a broker.
"""

import asyncio
from collections.abc import Callable

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection

from bus.problem import Unavailable
from bus.storage.engine import Storage, metadata

log = structlog.get_logger(__name__)

CHANGES_TABLE = sa.Table(
    "changes",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)

_RAISE = sa.text(
    "INSERT INTO changes (topic, number) VALUES (:topic, 1) ON CONFLICT (topic) DO UPDATE SET number = changes.number + 1"
)

Refresh = Callable[[], None]


def announce(connection: Connection, topic: str) -> None:
    """Say, inside the transaction that changes it, that `topic` changed."""
    connection.execute(_RAISE, {"topic": topic})


class Changes:
    """Follows the numbers and calls who listens.

    Promise: `refresh` runs after each change of its topic that this process did not see yet, within `interval` seconds and
    the time it takes itself. A database that does not answer is asked again.
    """

    def __init__(self, storage: Storage, interval: float = 0.25) -> None:
        self._storage = storage
        self._interval = interval
        self._listeners: dict[str, list[Refresh]] = {}
        self._seen: dict[str, int] = {}

    def on(self, topic: str, refresh: Refresh) -> None:
        """Call `refresh` (in a thread) when `topic` changes."""
        self._listeners.setdefault(topic, []).append(refresh)

    def look(self) -> None:
        """Look once, and refresh what moved."""
        with self._storage.read() as connection:
            numbers = {row.topic: row.number for row in connection.execute(sa.select(CHANGES_TABLE))}
        for topic, number in numbers.items():
            if self._seen.get(topic) != number:
                for refresh in self._listeners.get(topic, ()):
                    refresh()
                self._seen[topic] = number

    async def follow(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except Unavailable:
                log.warning("changes.database_does_not_answer")
            await asyncio.sleep(self._interval)
