"""The condition of the database's server or file: what an operator has to look after, as plain facts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bus import clock
from bus.storage.database import Storage

_SERVER: Final = sa.text(
    """SELECT extract(epoch FROM clock_timestamp()) AS now, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_pages, current_setting('synchronous_commit') AS commits,
    current_setting('synchronous_standby_names') AS promised,
    (SELECT count(*) FROM pg_stat_replication) AS standbys"""
)
_SLOTS: Final = sa.text(
    """SELECT slot_name, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
    ELSE pg_current_wal_lsn() END, restart_lsn) AS held
    FROM pg_replication_slots WHERE restart_lsn IS NOT NULL ORDER BY slot_name"""
)


@dataclass(frozen=True, slots=True)
class Server:
    """What PostgreSQL says of itself.

    Attributes:
        ahead_seconds: how far its clock is ahead of this machine's clock.
        is_fsync_on: whether it forces commits to disk, and protects pages against a torn write.
        commits: the setting `synchronous_commit`, with which commits of events wait.
        promised: the setting `synchronous_standby_names`; empty: no synchronous standby is promised.
        standbys: how many standbys are connected.
        slots: the replication slots, each with the bytes of WAL that it keeps from being removed.
    """

    ahead_seconds: float
    is_fsync_on: bool
    commits: str
    promised: str
    standbys: int
    slots: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a database.

    Attributes:
        file: SQLite's database file; None: the database is on a server.
        log_bytes: the size of SQLite's write-ahead log.
        server: of PostgreSQL alone.
    """

    file: Path | None
    log_bytes: int
    server: Server | None


def read_condition(storage: Storage) -> Condition:
    """The condition of the database. Synchronous: call it from a thread.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    if storage.is_sqlite:
        file = Path(storage.database.engines[0].url.database or "")
        log = file.with_name(f"{file.name}-wal")
        return Condition(file, log.stat().st_size if log.exists() else 0, None)
    with storage.read() as transaction:
        row = transaction.rows(_SERVER)[0]
        now = clock.now().timestamp()
        slots = tuple((str(slot.slot_name), int(slot.held or 0)) for slot in transaction.rows(_SLOTS))
    is_fsync_on = row.fsync == "on" and row.full_pages == "on"
    server = Server(float(row.now) - now, is_fsync_on, row.commits, row.promised, int(row.standbys), slots)
    return Condition(None, 0, server)
