"""Storage: one database, SQLite or PostgreSQL; transactions, migrations, changes, leadership.

This is the room's door: other rooms import from here and not from the modules behind it. A room's tables and statements stand in
the room that owns them; the tables share `metadata`.
"""

from bus.storage.changes import CHANGES_TABLE, Changes, announce, find_last_change
from bus.storage.checkpoint import Checkpoints
from bus.storage.database import Storage, make_leadership, open_storage
from bus.storage.errors import RowConflict, StorageFull, StorageUnavailable
from bus.storage.group import Answer, GroupCommit
from bus.storage.leader import Leadership
from bus.storage.migrate import has_pending_migrations, upgrade
from bus.storage.tables import metadata
from bus.storage.transaction import Insertion, Parameters, Prepared, Rows, Transaction

__all__ = [
    "CHANGES_TABLE",
    "Answer",
    "Changes",
    "Checkpoints",
    "GroupCommit",
    "Insertion",
    "Leadership",
    "Parameters",
    "Prepared",
    "RowConflict",
    "Rows",
    "Storage",
    "StorageFull",
    "StorageUnavailable",
    "Transaction",
    "announce",
    "find_last_change",
    "has_pending_migrations",
    "make_leadership",
    "metadata",
    "open_storage",
    "upgrade",
]
