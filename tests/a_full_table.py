"""A table of a database that takes no row."""

import sqlalchemy as sa

from bus.storage import Storage


def refuse_rows(storage: Storage, table: str) -> None:
    """Have SQLite refuse every new row of a table."""
    refuse = f"CREATE TRIGGER full_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"
    with storage.write() as transaction:
        transaction.execute(sa.text(refuse))
