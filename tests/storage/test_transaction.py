"""Transactions: what is asked and given is the same in both databases, and rows come from SQLite in one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event, exc

from bus.storage import Insertion, Prepared, RowConflict, Storage, StorageUnavailable, open_storage

_MAKE = Prepared.in_both("CREATE TABLE given (a BIGINT PRIMARY KEY, b BIGINT, c TEXT)")
_DROP = Prepared.in_both("DROP TABLE given")
_ADD = Prepared.in_both("INSERT INTO given (a, b) VALUES (:a, :b)")
_ALL = "SELECT a, b, c FROM given"
_COUNT = Prepared.in_both("SELECT count(*) FROM given")
_AMONG = (
    "SELECT a FROM given WHERE b IN (SELECT value FROM json_each(:wanted)) AND a > :after",
    "SELECT a FROM given WHERE b = ANY(CAST(:wanted AS bigint[])) AND a > :after::integer",
)
_ROWS = Insertion(
    sqlite="INSERT INTO given (a, b, c) VALUES {rows} ON CONFLICT (a) DO NOTHING",
    row="(?,?,?)",
    postgres="INSERT INTO given (a, b, c) SELECT * FROM unnest(?::int[], ?::bigint[], ?::text[]) ON CONFLICT (a) DO NOTHING",
    sizes=(5, 2),
)
_EDGES = [-(2**63), -1, 0, 1, 2**15, 2**31, 2**62, 2**63 - 1]
_PERSON = 3524000000000001


@pytest.fixture
def given(storage: Storage) -> Iterator[Storage]:
    """A database with a table of this test's."""
    with storage.write() as transaction:
        transaction.execute(_MAKE)
    yield storage
    with storage.write() as transaction:
        transaction.execute(_DROP)


@pytest.mark.parametrize("wanted", [[], [0], _EDGES[1:3], _EDGES])
@pytest.mark.parametrize("columns", [None, "a"])
def test_a_list_of_numbers_is_one_parameter(given: Storage, wanted: list[int], columns: str | None) -> None:
    with given.write() as transaction:
        for a, b in enumerate([*_EDGES, 7]):
            transaction.execute(_ADD, {"a": a, "b": b})
        asked = {"wanted": transaction.numbers(wanted), "after": -1}
        found = [_EDGES[row[0]] for row in transaction.rows(Prepared(*_AMONG, columns), asked)]
    assert sorted(found) == wanted


def test_parameters_stand_in_order_too(given: Storage) -> None:
    between = Prepared.in_both("SELECT b FROM given WHERE a > ? AND a <= ? ORDER BY a")
    with given.write() as transaction:
        for a in range(5):
            transaction.execute(_ADD, {"a": a, "b": a * 10})
        assert [row[0] for row in transaction.rows(between, (1, 3))] == [20, 30]


def test_a_percent_sign_is_one(storage: Storage) -> None:
    with storage.read() as transaction:
        found = transaction.one(Prepared.in_both("SELECT 7 % 4, '1%', CAST(:a AS integer)"), {"a": 5})
        alone = transaction.one(Prepared.in_both("SELECT 7 % 4, '1%'"))
    assert found is not None
    assert alone is not None
    assert (tuple(found), tuple(alone)) == ((3, "1%", 5), (3, "1%"))


def test_a_parameter_may_be_nothing(given: Storage) -> None:
    with given.write() as transaction:
        for a, b in enumerate((1, None, 2)):
            transaction.execute(_ADD, {"a": a, "b": b})
        found = transaction.one(Prepared.in_both("SELECT count(*), count(b) FROM given"))
    assert found is not None
    assert tuple(found) == (3, 2)


@pytest.mark.parametrize("columns", [None, "a, b, c"])
def test_rows_hold_what_is_in_the_database(given: Storage, columns: str | None) -> None:
    rows = [(1, -(2**63), 'é"\\\n'), (2, 2**63 - 1, ""), (3, None, None)]
    with given.write() as transaction:
        for a, b, c in rows:
            transaction.execute(sa.text("INSERT INTO given VALUES (:a, :b, :c)"), {"a": a, "b": b, "c": c})
        found = transaction.rows(Prepared(_ALL, _ALL, columns))
        none = transaction.rows(Prepared(f"{_ALL} WHERE a > 3", f"{_ALL} WHERE a > 3", columns))
    assert sorted(map(tuple, found)) == rows
    assert none == []


def test_rows_with_columns_come_from_sqlite_in_one(tmp_path: Path) -> None:
    storage, asked = open_storage(f"sqlite:///{tmp_path / 'bus.db'}"), list[str]()
    event.listen(storage.database.engines[0], "connect", lambda raw, _: raw.set_trace_callback(asked.append))
    with storage.read() as transaction:
        found = transaction.rows(Prepared(sqlite="SELECT 1 AS a UNION ALL SELECT 2", columns="a"))
        assert sorted(found) == [[1], [2]]
        assert len(transaction.rows(Prepared(sqlite=asked[-1]))) == 1
    storage.close()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12])
def test_many_rows_are_inserted_once_each(given: Storage, count: int) -> None:
    rows = [(number, number * 2, "é") for number in range(count)]
    with given.write() as transaction:
        assert transaction.insert(_ROWS, rows) == count
        assert transaction.insert(_ROWS, [*rows, (count, None, None)]) == 1
        found = transaction.rows(Prepared.in_both(f"{_ALL} ORDER BY a"))
    assert list(map(tuple, found)) == [*rows, (count, None, None)]


def test_what_was_changed_is_counted(given: Storage) -> None:
    with given.write() as transaction:
        transaction.insert(_ROWS, [(number, 0, "") for number in range(4)])
        assert transaction.execute(Prepared.in_both("UPDATE given SET b = 1 WHERE a > :a"), {"a": 1}) == 2
        assert transaction.execute(sa.text("DELETE FROM given WHERE a > :a"), {"a": 0}) == 3


def test_no_row_is_none_and_no_value_is_none(given: Storage) -> None:
    with given.read() as transaction:
        for statement in (Prepared.in_both(_ALL), sa.text(_ALL)):
            assert transaction.one(statement) is None
            assert transaction.value(statement) is None
            assert list(transaction.rows(statement)) == []


def test_rows_are_read_in_portions(given: Storage) -> None:
    with given.write() as transaction:
        transaction.insert(_ROWS, [(number, 0, "") for number in range(4)])
    with given.read() as transaction:
        for statement in (Prepared.in_both(f"{_ALL} ORDER BY a"), sa.text(f"{_ALL} ORDER BY a")):
            with transaction.stream(statement) as rows:
                assert [row[0] for row in rows.fetchmany(3)] == [0, 1, 2]


@pytest.mark.parametrize("is_prepared", [True, False])
def test_rows_that_nobody_read_hold_no_later_reader_to_their_state(given: Storage, is_prepared: bool) -> None:
    with given.write() as transaction:
        transaction.insert(_ROWS, [(number, 0, "") for number in range(200)])
    statement = Prepared.in_both(_ALL) if is_prepared else sa.text(_ALL)
    with given.read() as transaction, transaction.stream(statement) as rows:
        rows.fetchmany(1)
        transaction.one(statement)
    with given.write() as transaction:
        transaction.insert(_ROWS, [(200, 0, "")])
    with given.read() as transaction:
        assert transaction.value(_COUNT) == 201


def test_a_row_that_is_too_large_is_not_given(given: Storage) -> None:
    texts = Prepared(
        sqlite="SELECT group_concat(c, '') FROM given",
        postgres="SELECT string_agg(c, '') FROM given",
    )
    with given.write() as transaction:
        transaction.insert(_ROWS, [(number, 0, "x" * 100) for number in range(4)])
        assert transaction.one_within(300, texts, ()) is None
        assert transaction.one_within(500, texts, ()) is not None
        # The limit ends with the question.
        assert transaction.value(texts, ()) == "x" * 400


def test_a_lock_is_kept_until_the_transaction_ends(storage: Storage, database_url: str) -> None:
    with storage.write() as transaction:
        transaction.hold(7199, 1)
        if not storage.is_sqlite:
            beside = open_storage(database_url)
            with beside.read() as other:
                taken = other.value(sa.select(sa.func.pg_try_advisory_xact_lock(7199, 1)))
                free = other.value(sa.select(sa.func.pg_try_advisory_xact_lock(7199, 2)))
            beside.close()
            assert (taken, free) == (False, True)


def _add_twice(storage: Storage, *, is_prepared: bool) -> None:
    statement = _ADD if is_prepared else sa.text(_ADD.sqlite)
    with storage.write() as transaction:
        for _ in range(2):
            transaction.execute(statement, {"a": _PERSON, "b": 7})


@pytest.mark.parametrize("is_prepared", [True, False])
def test_a_key_that_is_taken_undoes_the_transaction(given: Storage, is_prepared: bool) -> None:
    with pytest.raises(RowConflict):
        _add_twice(given, is_prepared=is_prepared)
    with given.read() as transaction:
        assert transaction.value(_COUNT) == 0


def test_no_error_names_a_value(given: Storage) -> None:
    with pytest.raises(RowConflict) as conflict:
        _add_twice(given, is_prepared=False)
    with pytest.raises((StorageUnavailable, exc.ProgrammingError)) as unknown, given.write() as transaction:
        transaction.execute(sa.text("INSERT INTO nowhere VALUES (:a)"), {"a": _PERSON})
    error: BaseException | None
    for error in (conflict.value, unknown.value):
        while error is not None:
            assert str(_PERSON) not in str(error)
            error = error.__cause__
