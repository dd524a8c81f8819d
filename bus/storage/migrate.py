"""Migrations: `bus init` changes an older database in place, with Alembic, into this version's tables."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bus.storage.database import Storage
from bus.storage.transaction import Transaction, get_connection

if TYPE_CHECKING:
    from alembic.config import Config

Upgraded = Callable[[Transaction, str, str], None]
"""A callback in the upgrade's transaction. It gets the migration before the upgrade and the one after it."""

_HERE: Final = Path(__file__).parent / "migrations"
_MIGRATIONS: Final = "[0-9]*.py"
"""The files of migrations. Each begins with the migration's number and an underscore."""
_STATE: Final = sa.table("alembic_version", sa.column("version_num", sa.Text()))
"""Alembic's table. Only an upgrade imports Alembic: its import takes longer than most commands."""


def upgrade(storage: Storage, upgraded: Upgraded | None = None) -> bool:
    """Bring the tables to this version.

    Args:
        upgraded: called if the database had tables before.

    Returns:
        Whether the tables changed.
    """
    if not has_pending_migrations(storage):
        return False
    from alembic import command

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
    return current != max(_list_migrations())


def knows_schema(schema: str) -> bool:
    """Whether this version has a migration, so that it can bring a database in that state to its own."""
    return _list_migrations().issuperset(schema.split(","))


def read_schema(transaction: Transaction) -> str:
    """The newest migration of the database; empty if it has no tables."""
    if not has_table(transaction, _STATE.name):
        return ""
    return ",".join(sorted(number for (number,) in transaction.rows(sa.select(_STATE.c.version_num))))


def has_table(transaction: Transaction, name: str) -> bool:
    """Whether the database has a table. An older back-up lacks those that came later."""
    return sa.inspect(get_connection(transaction)).has_table(name)


def _list_migrations() -> set[str]:
    return {path.name.partition("_")[0] for path in (_HERE / "versions").glob(_MIGRATIONS)}


def _make_config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config
