"""Migrations: `bus init` changes an older database in place, with Alembic, into this version's tables."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bus.storage.database import Storage
from bus.storage.transaction import Transaction, get_connection

Upgraded = Callable[[Transaction, str, str], None]
"""A callback in the upgrade's transaction. It gets the migration before the upgrade and the one after it."""

_HERE = Path(__file__).parent / "migrations"


def upgrade(storage: Storage, upgraded: Upgraded | None = None) -> bool:
    """Bring the tables to this version.

    Args:
        upgraded: called if the database had tables before.

    Returns:
        Whether the tables changed.
    """
    if not has_pending_migrations(storage):
        return False
    with storage.write() as transaction:
        before = read_schema(transaction)
        config = _make_config()
        config.attributes["connection"] = get_connection(transaction)
        command.upgrade(config, "head")
        if before and upgraded is not None:
            upgraded(transaction, before, read_schema(transaction))
    return True


def has_pending_migrations(storage: Storage) -> bool:
    """Whether the database lacks a migration of this version."""
    with storage.read() as transaction:
        current = read_schema(transaction)
    return current != ",".join(sorted(ScriptDirectory.from_config(_make_config()).get_heads()))


def knows_schema(schema: str) -> bool:
    """Whether this version has a migration, so that it can bring a database in that state to its own."""
    known = {one.revision for one in ScriptDirectory.from_config(_make_config()).walk_revisions()}
    return known.issuperset(schema.split(","))


def read_schema(transaction: Transaction) -> str:
    """The newest migration of the database; empty if it has no tables."""
    return ",".join(sorted(MigrationContext.configure(get_connection(transaction)).get_current_heads()))


def _make_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config
