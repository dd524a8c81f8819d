"""Migrations: `bus init` and an upgrade bring the database to this version's tables, in place, with Alembic."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bus.storage.database import Storage
from bus.storage.transaction import Transaction, get_connection

Upgraded = Callable[[Transaction, str, str], None]
"""Called in an upgrade's transaction with the version before and the new one."""

_HERE = Path(__file__).parent / "migrations"


def upgrade(storage: Storage, upgraded: Upgraded | None = None) -> bool:
    """Bring the tables to this version; True when something changed.

    Args:
        upgraded: called if there were tables before.
    """
    if not has_pending_migrations(storage):
        return False
    with storage.write() as transaction:
        before = _read_version(transaction)
        config = _make_config()
        config.attributes["connection"] = get_connection(transaction)
        command.upgrade(config, "head")
        if before and upgraded is not None:
            upgraded(transaction, before, _read_version(transaction))
    return True


def has_pending_migrations(storage: Storage) -> bool:
    """Whether the database lacks a migration of this version."""
    with storage.read() as transaction:
        current = _read_version(transaction)
    return current != ",".join(sorted(ScriptDirectory.from_config(_make_config()).get_heads()))


def _read_version(transaction: Transaction) -> str:
    """The newest migration that the database has; empty where it has no tables."""
    return ",".join(sorted(MigrationContext.configure(get_connection(transaction)).get_current_heads()))


def _make_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config
