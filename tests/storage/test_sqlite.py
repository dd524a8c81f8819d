"""The connections: what those to SQLite keep in memory."""

import gc
from pathlib import Path

from bus.storage import Prepared, open_storage


def _prepared() -> int:
    """Statements that SQLite's driver keeps."""
    return sum(type(one).__name__ == "Statement" and type(one).__module__ == "sqlite3" for one in gc.get_objects())


def test_statements_that_never_come_again_do_not_pile_up(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    before = _prepared()
    for number in range(1000):
        with storage.read() as transaction, storage.read() as beside:
            transaction.rows(Prepared(sqlite=f"SELECT {number}"))
            beside.rows(Prepared(sqlite=f"SELECT {number}"))
    assert before < _prepared() < before + 100
    with storage.write() as transaction:
        for number in range(1000):
            transaction.rows(Prepared(sqlite=f"SELECT {number}"))
    assert _prepared() < before + 400
    storage.close()
