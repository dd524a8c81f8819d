"""Checkpoints: SQLite's write-ahead log is carried into the database file beside the commits, so that none of them does it."""

import asyncio
import contextlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from bus.problem import Refused
from bus.storage.database import Storage
from bus.storage.sqlite import SqliteDatabase

log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 1.0
_FEW: Final = 2_000
"""Rows written, below which the log is left as it is: a page that many commits touch is carried over once for all of them."""
_NICENESS: Final = 10
"""A tenth of a busy core. At the lowest priority the log would grow long under full load."""


class Checkpoints:
    """Keeps SQLite's write-ahead log short while the bus runs.

    Left alone, SQLite carries the log over in the commit that fills the log, and all events
    behind that one wait. Most of it is done by a thread that gives way to those which publishers wait for; what they added
    meanwhile by one that does not, since in the end they wait for it.
    """

    def __init__(self, storage: Storage, pause: float = _PAUSE_SECONDS) -> None:
        """Nothing is carried over yet.

        Args:
            storage: on SQLite; PostgreSQL carries its own log over.
            pause: seconds between two looks.
        """
        if not isinstance(storage.database, SqliteDatabase):
            raise TypeError("PostgreSQL has no log for the bus to carry over")
        self._database = storage.database
        self._pause = pause
        self._carried = 0
        self._aside = ThreadPoolExecutor(1, "checkpoint", initializer=_give_way)

    async def follow(self) -> None:
        """Carry the log over now and then, until cancelled."""
        while True:
            await asyncio.sleep(self._pause)
            try:
                await asyncio.to_thread(self.look)
            except Refused as refusal:
                # The next round tries again, and at some length of the log SQLite itself does.
                log.warning("checkpoint.not_made", reason=refusal.slug)

    def look(self) -> None:
        """Carry the log over if much was written since the last time. Synchronous: call it from a thread."""
        written = self._database.rows_written()
        # Less than before where the connection is another.
        if abs(written - self._carried) >= _FEW:
            self._aside.submit(self._database.carry_over).result()
            self._database.checkpoint()
            self._carried = written


def _give_way() -> None:
    # Elsewhere it would be the whole process. Where it is not allowed, the checkpoint is made like any other work.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.nice(_NICENESS)
