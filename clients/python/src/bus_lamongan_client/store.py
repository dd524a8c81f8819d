"""The spool's file: events in SQLite, in the order in which they were published."""

import errno
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from bus_lamongan_client.errors import FieldError, SpoolError, SpoolFull

_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS spool (
        number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, stored INTEGER NOT NULL, event TEXT NOT NULL, reasons TEXT
    )
"""
_INDEX: Final = "CREATE INDEX IF NOT EXISTS spool_refused ON spool (key) WHERE reasons IS NOT NULL"
_VIEW: Final = """
    CREATE VIEW IF NOT EXISTS waiting AS
    SELECT * FROM spool WHERE NOT EXISTS (
        SELECT 1 FROM spool AS refused
        WHERE refused.reasons IS NOT NULL AND refused.key = spool.key AND refused.number <= spool.number
    )
"""
"""The events that no earlier refused event of their key holds up."""
_BATCH: Final = "SELECT number, key, event FROM waiting ORDER BY number LIMIT ?"
_OLDEST: Final = "SELECT stored FROM waiting ORDER BY number LIMIT 1"
_USED: Final = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)
_FULL: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
"""SQLite's codes for a write that the disk did not take."""
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The system's codes for the same."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event in the spool.

    Attributes:
        number: its place in the spool.
        text: the event as JSON.
    """

    number: int
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that the bus refused. It waits in the spool until you mend or drop it.

    Attributes:
        number: names it in `mend` and `drop`.
        reasons: what the bus found wrong, with pointers into the event.
    """

    number: int
    event: dict[str, Any]
    reasons: tuple[FieldError, ...]


class Store:
    """The file. Several processes and threads may use it at once.

    A commit is on disk when a method returns (`synchronous=FULL`).

    Args:
        max_bytes: of events; at most.
        max_age: seconds. If an event waited so long, the store takes no more; set-aside events do not count.
    """

    def __init__(self, path: str | Path, max_bytes: int, max_age: float) -> None:
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._lock = Lock()
        try:
            # The events may hold personal data: nobody else on this machine reads them.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._database = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", _TABLE, _INDEX, _VIEW):
                self._database.execute(statement)
        except (OSError, sqlite3.Error) as error:
            raise _translate(error) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def add(self, key: str, text: str) -> None:
        """Keep an event.

        Raises:
            SpoolFull: nothing was kept.
        """
        now = time.time()
        with self._open() as database:
            (used,) = database.execute(_USED).fetchone()
            if used + len(text.encode()) > self._max_bytes:
                raise SpoolFull(f"The spool has its {self._max_bytes} bytes. Send or drop events first.")
            oldest = database.execute(_OLDEST).fetchone()
            if oldest and now - oldest[0] >= self._max_age:
                raise SpoolFull(f"An event has waited for {self._max_age:.0f} seconds. Send events first.")
            database.execute("INSERT INTO spool (key, stored, event) VALUES (?, ?, ?)", (key, int(now), text))

    def read_batch(self, most: int, most_bytes: int) -> list[StoredEvent]:
        """The next events to send, at least one if there are any."""
        with self._open() as database:
            rows = database.execute(_BATCH, (most,)).fetchall()
        size = 0
        batch: list[StoredEvent] = []
        for row in rows:
            size += len(row[2].encode())
            if batch and size > most_bytes:
                break
            batch.append(StoredEvent(*row))
        return batch

    def remove(self, events: Sequence[StoredEvent]) -> None:
        """Forget events that the bus has. An event that was mended meanwhile stays."""
        with self._open() as database:
            rows = [(event.number, event.text) for event in events]
            database.executemany("DELETE FROM spool WHERE number = ? AND event = ?", rows)

    def set_aside(self, event: StoredEvent, reasons: Sequence[FieldError]) -> None:
        """Note that the bus refuses an event. It holds up later events of its key."""
        text = json.dumps([{"pointer": reason.pointer, "detail": reason.detail} for reason in reasons])
        with self._open() as database:
            row = (text, event.number, event.text)
            database.execute("UPDATE spool SET reasons = ? WHERE number = ? AND event = ?", row)

    def list_refused(self) -> list[RefusedEvent]:
        """The events that were set aside, oldest first."""
        with self._open() as database:
            rows = database.execute(
                "SELECT number, event, reasons FROM spool WHERE reasons IS NOT NULL ORDER BY number"
            ).fetchall()
        return [
            RefusedEvent(number, json.loads(event), tuple(FieldError(**reason) for reason in json.loads(reasons)))
            for number, event, reasons in rows
        ]

    def read_refused(self, number: int) -> dict[str, Any]:
        """The refused event with this number.

        Raises:
            SpoolError: there is none.
        """
        for refused in self.list_refused():
            if refused.number == number:
                return refused.event
        raise _refuse_number(number)

    def replace(self, number: int, text: str) -> None:
        """Put a mended event in the place of a refused one, so that it is sent next of its key."""
        with self._open() as database:
            row = (text, number)
            done = database.execute(
                "UPDATE spool SET event = ?, reasons = NULL WHERE number = ? AND reasons IS NOT NULL", row
            )
            if done.rowcount != 1:
                raise _refuse_number(number)

    def drop(self, number: int) -> None:
        """Forget a refused event."""
        with self._open() as database:
            done = database.execute("DELETE FROM spool WHERE number = ? AND reasons IS NOT NULL", (number,))
            if done.rowcount != 1:
                raise _refuse_number(number)

    def count_waiting(self) -> int:
        """The number of events that were not sent, without those that were set aside."""
        with self._open() as database:
            (count,) = database.execute("SELECT count(*) FROM spool WHERE reasons IS NULL").fetchone()
        return int(count)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction. SQLite's errors become the spool's."""
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
                self._database.execute("COMMIT")
            except sqlite3.Error as error:
                raise _translate(error) from error
            finally:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")


def _translate(error: OSError | sqlite3.Error) -> SpoolError:
    # Of SQLite's code the lower byte is the kind, the rest says which operation failed.
    is_full = error.errno in _NO_ROOM if isinstance(error, OSError) else error.sqlite_errorcode & 0xFF in _FULL
    if is_full:
        return SpoolFull("The disk takes no more. Make room; nothing of the spool is lost.")
    return SpoolError(f"The spool's file cannot be used: {error}")


def _refuse_number(number: int) -> SpoolError:
    return SpoolError(f"The spool has no refused event {number}.")
