"""Leadership: at most one process at a time does a job such as relaying.

PostgreSQL: a session's advisory lock, gone with the session. SQLite: a lock on a file beside the database, gone with the
process. Either way a leader killed with SIGKILL is succeeded at once.
"""

import fcntl
import os
import zlib
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection

from bus.storage.engine import Storage


class Leadership(Protocol):
    """The right to do one job, held or not."""

    def acquire(self) -> bool:
        """Try to lead (again); True while this process leads. Call it regularly: it also notices a lost database session."""
        ...

    def release(self) -> None:
        """Let another process lead."""
        ...


def leadership(storage: Storage, job: str) -> Leadership:
    """The leadership of `job` among all processes on this database."""
    return _FileLeadership(storage, job) if storage.is_sqlite else _SessionLeadership(storage, job)


class _FileLeadership:
    def __init__(self, storage: Storage, job: str) -> None:
        self._path = f"{storage.engine.url.database}.{job}.lock"
        self._file: int | None = None

    def acquire(self) -> bool:
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class _SessionLeadership:
    def __init__(self, storage: Storage, job: str) -> None:
        self._engine = storage.engine
        self._key = zlib.crc32(f"bus.{job}".encode())
        self._session: Connection | None = None

    def acquire(self) -> bool:
        try:
            if self._session is None:
                self._session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                if not self._session.scalar(sa.select(sa.func.pg_try_advisory_lock(self._key))):
                    self.release()
                    return False
            else:
                self._session.scalar(sa.select(1))
        except exc.DBAPIError:
            self._drop()
            return False
        return True

    def release(self) -> None:
        self._drop()

    def _drop(self) -> None:
        # Closed for good rather than given back to the pool: the session holds the lock.
        if self._session is not None:
            self._session.invalidate()
            self._session.close()
            self._session = None
