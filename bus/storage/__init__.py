"""Storage: one database behind SQLAlchemy Core, SQLite or PostgreSQL; transactions, migrations, changes, leadership.

A room's tables and statements stand in the room that owns them; they share `metadata`.
"""

from bus.storage.changes import CHANGES_TABLE, Changes, announce, last_change
from bus.storage.checkpoint import Checkpoints
from bus.storage.engine import Storage, StorageFull, StorageUnavailable, metadata, open_storage
from bus.storage.group import Answer, GroupCommit
from bus.storage.leader import Leadership, leadership
from bus.storage.migrate import pending_migrations, upgrade
from bus.storage.statement import Parameters, Statement, driver, execute, fetch, numbers

__all__ = [
    "CHANGES_TABLE",
    "Answer",
    "Changes",
    "Checkpoints",
    "GroupCommit",
    "Leadership",
    "Parameters",
    "Statement",
    "Storage",
    "StorageFull",
    "StorageUnavailable",
    "announce",
    "driver",
    "execute",
    "fetch",
    "last_change",
    "leadership",
    "metadata",
    "numbers",
    "open_storage",
    "pending_migrations",
    "upgrade",
]
