"""Statements asked as they stand: what is asked and given is the same in both dialects, and rows come from SQLite in one."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from bus.storage import Statement, Storage, driver, execute, fetch, numbers, open_storage

_AMONG = Statement(
    sqlite="SELECT a FROM given WHERE b IN (SELECT value FROM json_each(:wanted)) AND a > :after",
    postgres="SELECT a FROM given WHERE b = ANY(CAST(:wanted AS bigint[])) AND a > :after::integer",
)
_EDGES = [-(2**63), -1, 0, 1, 2**15, 2**31, 2**62, 2**63 - 1]


@pytest.mark.parametrize("wanted", [[], [0], _EDGES[1:3], _EDGES])
def test_a_list_of_numbers_is_one_parameter(storage: Storage, wanted: list[int]) -> None:
    with storage.write() as connection:
        execute(connection, "CREATE TABLE given (a INTEGER, b BIGINT)")
        for a, b in enumerate([*_EDGES, 7]):
            execute(connection, "INSERT INTO given VALUES (:a, :b)", {"a": a, "b": b})
        given = {"wanted": numbers(connection, wanted), "after": -1}
        found = [_EDGES[row[0]] for row in execute(connection, _AMONG, given)]
        fetched = [_EDGES[row[0]] for row in fetch(connection, "a", _AMONG, given)]
        execute(connection, "DROP TABLE given")
    assert sorted(found) == sorted(fetched) == wanted


def test_a_percent_sign_is_one(storage: Storage) -> None:
    with storage.read() as connection:
        found = execute(connection, "SELECT 7 % 4, '1%', CAST(:a AS integer)", {"a": 5}).fetchone()
        alone = execute(connection, "SELECT 7 % 4, '1%'").fetchone()
    assert (tuple(found), tuple(alone)) == ((3, "1%", 5), (3, "1%"))


def test_a_parameter_may_be_nothing(storage: Storage) -> None:
    with storage.write() as connection:
        execute(connection, "CREATE TABLE given (a INTEGER, b BIGINT)")
        for b in (1, None, 2):
            execute(connection, "INSERT INTO given VALUES (:a, :b)", {"a": 1, "b": b})
        found = execute(connection, "SELECT count(*), count(b) FROM given").fetchone()
        execute(connection, "DROP TABLE given")
    assert tuple(found) == (3, 2)


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
