"""The connections: what those to SQLite keep in memory, and how rows come from them."""

import gc
from pathlib import Path

import sqlalchemy as sa

from bus.storage import Storage, driver, execute, fetch, open_storage


def _prepared() -> int:
    """Statements that SQLite's driver keeps."""
    return sum(type(one).__name__ == "Statement" and type(one).__module__ == "sqlite3" for one in gc.get_objects())


def test_statements_that_never_come_again_do_not_pile_up(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    before = _prepared()
    for number in range(1000):
        with storage.read() as connection, storage.read() as beside:
            execute(connection, f"SELECT {number}").fetchall()
            execute(beside, f"SELECT {number}").fetchall()
    assert before < _prepared() < before + 100
    with storage.write() as connection:
        for number in range(1000):
            execute(connection, f"SELECT {number}").fetchall()
    assert _prepared() < before + 400
    storage.close()


def test_rows_that_are_fetched_hold_what_is_in_the_database(storage: Storage) -> None:
    rows = [(1, -(2**63), 'é"\\\n'), (2, 2**63 - 1, ""), (3, None, None)]
    with storage.write() as connection:
        execute(connection, "CREATE TABLE fetched (a INTEGER, b BIGINT, c TEXT)")
        for a, b, c in rows:
            connection.execute(sa.text("INSERT INTO fetched VALUES (:a, :b, :c)"), {"a": a, "b": b, "c": c})
        found = fetch(connection, "a, b, c", "SELECT a, b, c FROM fetched")
        none = fetch(connection, "a", "SELECT a FROM fetched WHERE a > 3")
        execute(connection, "DROP TABLE fetched")
    assert sorted(map(tuple, found)) == rows
    assert none == []


def test_rows_that_are_fetched_come_from_sqlite_in_one(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    with storage.read() as connection:
        asked: list[str] = []
        driver(connection).set_trace_callback(asked.append)
        found = fetch(connection, "a", "SELECT 1 AS a UNION ALL SELECT 2")
        assert sorted(found) == [[1], [2]]
        assert len(execute(connection, asked[0]).fetchall()) == 1
    storage.close()
