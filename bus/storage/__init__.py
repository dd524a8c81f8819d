"""Storage: one database, SQLite or PostgreSQL, with transactions, migrations, changes and leadership.

This is the room's door: other rooms import from here, and not from the modules behind it. Each room keeps its own tables and
statements. All tables share `metadata`.
"""

from bus.storage.causes import DatabaseUnreachable, explain_unreachable
from bus.storage.changes import CHANGES_TABLE, Changes, announce, find_last_change
from bus.storage.checkpoint import Checkpoints
from bus.storage.condition import Condition, Server, read_condition
from bus.storage.copying import CopyFailed, copy_database, load_copy, name_copy
from bus.storage.database import Storage, make_leadership, open_storage
from bus.storage.errors import RowConflict, StorageFull, StorageUnavailable
from bus.storage.fullness import has_room
from bus.storage.group import Answer, GroupCommit
from bus.storage.leader import Leadership
from bus.storage.migrate import has_pending_migrations, has_table, knows_schema, read_schema, upgrade
from bus.storage.tables import metadata
from bus.storage.transaction import Insertion, Parameters, Prepared, Rows, Transaction

__all__ = [
    "CHANGES_TABLE",
    "Answer",
    "Changes",
    "Checkpoints",
    "Condition",
    "CopyFailed",
    "DatabaseUnreachable",
    "GroupCommit",
    "Insertion",
    "Leadership",
    "Parameters",
    "Prepared",
    "RowConflict",
    "Rows",
    "Server",
    "Storage",
    "StorageFull",
    "StorageUnavailable",
    "Transaction",
    "announce",
    "copy_database",
    "explain_unreachable",
    "find_last_change",
    "has_pending_migrations",
    "has_room",
    "has_table",
    "knows_schema",
    "load_copy",
    "make_leadership",
    "metadata",
    "name_copy",
    "open_storage",
    "read_condition",
    "read_schema",
    "upgrade",
]
