"""Checkpoints: a thread carries SQLite's write-ahead log into the database file, so that no commit has to."""

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
"""Rows written before a checkpoint pays. One checkpoint carries over a page once for all commits that touched it."""
_NICENESS: Final = 10
"""The priority of the thread. At the lowest priority the log would grow long under full load."""


class Checkpoints:
    """Keeps SQLite's write-ahead log short while the bus runs.

    By default SQLite carries the log over in the commit that fills the log. All events behind that commit wait. Here a thread of
    low priority carries over most of the log. A thread of usual priority carries over the rest, since writers wait for it.
    """

    def __init__(self, storage: Storage, pause: float = _PAUSE_SECONDS) -> None:
        """Nothing is carried over yet.

        Args:
            storage: on SQLite; PostgreSQL carries its own log over.
            pause: seconds between two looks.
        """
        if not isinstance(storage.database, SqliteDatabase):
            raise TypeError("PostgreSQL makes its own checkpoints; Checkpoints needs SQLite")
        self._database = storage.database
        self._pause = pause
        self._carried = 0
        self._aside = ThreadPoolExecutor(1, "checkpoint", initializer=_lower_priority)

    async def follow(self) -> None:
        """Carry the log over whenever that pays, until cancelled."""
        while True:
            await asyncio.sleep(self._pause)
            try:
                await asyncio.to_thread(self.look)
            except Refused as refusal:
                # The next round tries again. From some length of the log on, SQLite carries it over itself.
                log.warning("checkpoint.not_made", reason=refusal.slug)

    def look(self) -> None:
        """Carry the log over if much was written since the last time. Synchronous: call it from a thread."""
        written = self._database.count_rows_written()
        # Less than before where the connection is another.
        if abs(written - self._carried) >= _FEW:
            self._aside.submit(self._database.carry_over).result()
            self._database.checkpoint()
            self._carried = written


def _lower_priority() -> None:
    # Elsewhere it would be the whole process. Where it is not allowed, the checkpoint is made like any other work.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.nice(_NICENESS)
