"""Migrations: `bus init` and an upgrade bring the database to this version's tables, in place, with Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bus.storage.engine import Storage

_HERE = Path(__file__).parent / "migrations"


def upgrade(storage: Storage) -> bool:
    """Bring the tables to this version; True when something changed."""
    if not pending_migrations(storage):
        return False
    with storage.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True


def pending_migrations(storage: Storage) -> bool:
    """Whether the database lacks a migration of this version."""
    with storage.read() as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    return set(current) != set(ScriptDirectory.from_config(_config()).get_heads())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config
