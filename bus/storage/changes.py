"""Changes: how every process notices within a second that a contract, a client or a subscription changed.

Whoever changes something raises a number in the same transaction; every process looks at the numbers a few times a second,
and at once when it is told to, and reads again what moved. It works for a command beside a running server and for a fleet,
with or without a broker.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import sqlalchemy as sa
import structlog

from bus.problem import Unavailable
from bus.storage.database import Storage
from bus.storage.tables import metadata
from bus.storage.transaction import Transaction

log = structlog.get_logger(__name__)

CHANGES_TABLE = sa.Table(
    "changes",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)

_RAISE = sa.text(
    "INSERT INTO changes (topic, number) VALUES (:topic, 1) ON CONFLICT (topic) DO UPDATE SET number = changes.number + 1 "
    "RETURNING number"
)

_BREATH_SECONDS: Final = 0.1
"""Between two looks, however often a look is asked for: a replay announces with each of its batches."""

Refresh = Callable[[], None]


def announce(transaction: Transaction, topic: str) -> int:
    """Say, inside the transaction that changes it, that `topic` changed.

    Returns:
        The change's number. Others who change the same topic wait until the commit. So changes become visible in the order of
        their numbers.
    """
    number = int(transaction.value(_RAISE, {"topic": topic}))
    transaction.has_announced = True
    return number


def find_last_change(transaction: Transaction, topic: str) -> int:
    """The number of the last change of a topic; 0: there was none."""
    statement = sa.select(CHANGES_TABLE.c.number).where(CHANGES_TABLE.c.topic == topic)
    return int(transaction.value(statement) or 0)


class Changes:
    """Follows the numbers and calls who listens.

    Promise: `refresh` runs after each change of its topic that this process did not see yet, within `interval` seconds and
    the time it takes itself; after `look_now` within a tenth of a second. A database that does not answer is asked again.
    """

    def __init__(self, storage: Storage, interval: float = 0.25) -> None:
        self._storage = storage
        self._interval = interval
        self._listeners: dict[str, list[Refresh]] = {}
        self._seen: dict[str, int] = {}
        self._asked = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def on(self, topic: str, refresh: Refresh) -> None:
        """Call `refresh` (in a thread) when `topic` changes."""
        self._listeners.setdefault(topic, []).append(refresh)

    def look(self) -> None:
        """Look once, and refresh what moved."""
        with self._storage.read() as transaction:
            numbers = {row.topic: row.number for row in transaction.rows(sa.select(CHANGES_TABLE))}
        for topic, number in numbers.items():
            if self._seen.get(topic) != number:
                for refresh in self._listeners.get(topic, ()):
                    refresh()
                self._seen[topic] = number

    async def follow(self) -> None:
        """Look until cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                # Before the look: what is announced while it goes on may be too late for it.
                self._asked.clear()
                await self._look_in_thread()
                await asyncio.sleep(_BREATH_SECONDS)
                with suppress(TimeoutError):
                    # Not `wait_for`, which loses a cancellation that comes together with the event (Python 3.11).
                    async with asyncio.timeout(self._interval - _BREATH_SECONDS):
                        await self._asked.wait()
        finally:
            self._loop = None

    def look_now(self) -> None:
        """Have `follow` look without waiting for its time; from any thread, and harmless while nothing follows."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._asked.set)

    async def _look_in_thread(self) -> None:
        try:
            await asyncio.to_thread(self.look)
        except Unavailable:
            log.warning("changes.database_does_not_answer")
