"""What a hand-over and a run cost does not grow with what a subscription is owed."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bus.delivery import pull_statements, removal, statements, tally
from bus.delivery.state import DeliveryState
from bus.storage import Prepared, Storage, Transaction, open_storage, upgrade
from tests.an_actor import OPERATOR
from tests.delivery.a_book import Book
from tests.storage.a_plan import explained, plans

pytestmark = pytest.mark.database
_BACKLOG = 20_000
_ALL_OF_IT = re.compile(r"Index Cond: \(\(?subscription = \d+\)$|= \$\d", re.MULTILINE)
"""A step of a plan that reads everything of a subscription, or that was planned for whichever may come."""
_WALK = "Seq Scan on deliveries"
_SQLITE_WALK = re.compile(r"SCAN deliveries|deliveries USING PRIMARY KEY \(subscription=\?( AND position>\?)?\)$")
_BRACES = str.maketrans("[]", "{}")
"""An array's, as PostgreSQL writes them."""
_STATEMENTS = [
    (name, value)
    for room in (statements, pull_statements, removal, tally)
    for name, value in vars(room).items()
    if isinstance(value, Prepared) and "deliveries" in value.sqlite
]
Asked = tuple[str, Mapping[str, Any]]


def test_neither_a_hand_over_nor_a_run_walks_all_that_a_subscription_is_owed(tmp_path: Path):
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    book = Book(storage)
    book.owe(*range(20))
    steps = plans(storage, lambda: [book.load(lease) for lease in book.lease(ordered=True)])
    assert any("ix_deliveries_key" in step for step in steps)
    assert [step for step in steps if _SQLITE_WALK.search(step)] == []
    storage.close()


def test_neither_does_who_steers_deliveries(tmp_path: Path):
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    book = Book(storage)
    book.owe(*range(20))
    (lease, *_) = book.lease(ordered=True)
    book.record(*map(book.dead, book.load(lease)))
    steps = plans(storage, lambda: _steer(book))
    assert {"ix_deliveries_due", "ix_deliveries_dead"} <= {word for step in steps for word in step.split()}
    assert [step for step in steps if _SQLITE_WALK.search(step)] == []
    storage.close()


def _steer(book: Book) -> None:
    assert len(book.deliveries.listed([book.subscription], DeliveryState.DEAD, (0, 0), 5)) == 5
    book.deliveries.retry(book.subscription, 1, OPERATOR)
    book.deliveries.discard(book.subscription, 2, OPERATOR)
    assert book.deliveries.redrive(book.subscription, OPERATOR) == 8
    assert len(book.deliveries.listed([book.subscription], DeliveryState.PENDING, (0, 0), 5)) == 5
    book.deliveries.hasten(book.subscription, OPERATOR)
    book.deliveries.tally(book.subscription)


@pytest.mark.parametrize(("name", "statement"), _STATEMENTS)
def test_no_statement_walks_all_that_a_subscription_ever_got(tmp_path: Path, name: str, statement: Prepared):
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    steps = explained(storage, statement.sqlite)
    found = [step for step in steps if "deliveries" in step]
    assert found
    assert [step for step in found if _SQLITE_WALK.search(step)] == []
    storage.close()


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("has_statistics", [False, True])
def test_neither_does_postgresql_whatever_it_knows_of_them(storage: Storage, has_statistics: bool):
    book = Book(storage)
    book.owe(*range(_BACKLOG))
    if has_statistics:
        with storage.write() as transaction:
            transaction.execute(sa.text("ANALYZE deliveries"))
    with _watched(storage) as asked:
        book.ledger.find_due_subscriptions(book.now)
        book.deliveries.hasten(book.subscription, OPERATOR)
        (lease, *_) = book.lease(window=200, most=100)
        first, second, *rest = book.load(lease)
        book.record(book.again(first, after=100), book.parked(second), *(book.attempt(one) for one in rest))
    with storage.read() as transaction:
        steps = {sql: _explained(transaction, "EXPLAIN", sql, arguments) for sql, arguments in asked}
    assert len(steps) >= 7
    assert {sql: plan for sql, plan in steps.items() if _ALL_OF_IT.search(plan) or _WALK in plan} == {}


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("has_statistics", [False, True])
def test_postgresql_counts_what_waits_by_the_index_of_its_state_alone(storage: Storage, has_statistics: bool):
    book = Book(storage)
    book.owe(*range(_BACKLOG))
    if has_statistics:
        with storage.write() as transaction:
            transaction.execute(sa.text("ANALYZE deliveries"))
    counted = {"most": tally.MOST, "subscription": book.number}
    asked = [(tally.ONE, counted), (tally.ALL, {"most": tally.MOST}), (statements.PENDING_POSITIONS, counted)]
    with storage.read() as transaction:
        for statement, arguments in asked:
            plan = "\n".join(
                row[0] for row in transaction.rows(Prepared.in_both(f"EXPLAIN {statement.postgres}"), arguments)
            )
            read = set(re.findall(r"(?:using|on) (\w*deliveries\w*)", plan))
            assert read - {"deliveries"} <= {"ix_deliveries_due", "ix_deliveries_dead", "ix_deliveries_discarded"}, plan
            assert _WALK not in plan


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_the_next_of_a_backlog_without_statistics_are_read_alone(storage: Storage):
    book = Book(storage)
    with storage.write() as transaction:
        # Has it forget what other tests had it find out about the columns.
        for column, kind in (("subscription", "integer"), ("state", "smallint"), ("due_at", "bigint")):
            transaction.execute(sa.text(f"ALTER TABLE deliveries ALTER COLUMN {column} TYPE {kind}"))
        # So many that it takes three to be due: with one it would choose well by chance.
        transaction.execute(
            sa.text(
                "INSERT INTO deliveries (subscription, position, state, key, attempts, due_at) "
                f"SELECT {book.number}, position, 0, position, 0, {book.now} FROM generate_series(1, 320000) AS position"
            )
        )
    with _watched(storage) as asked:
        book.lease(window=200, most=100)
    with storage.read() as transaction:
        selects = [one for one in asked if one[0].startswith("SELECT")]
        steps = [_explained(transaction, "EXPLAIN (ANALYZE, TIMING OFF)", *one) for one in selects]
    read = [int(rows) for plan in steps for rows in re.findall(r"actual rows=(\d+)", plan)]
    assert 100 <= max(read) <= 1_000


@contextmanager
def _watched(storage: Storage) -> Iterator[list[Asked]]:
    """The statements that are asked of the deliveries meanwhile."""
    asked: list[Asked] = []

    def watch(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if re.match("SELECT|UPDATE", statement) and "deliveries" in statement:
            asked.append((statement, parameters))

    event.listen(storage.database.engines[0], "before_cursor_execute", watch)
    yield asked
    event.remove(storage.database.engines[0], "before_cursor_execute", watch)


def _explained(transaction: Transaction, explain: str, sql: str, arguments: Mapping[str, Any]) -> str:
    """The plan of a statement that is prepared and came often: from the sixth time on PostgreSQL may have one plan for all."""
    names = list(arguments)
    prepared = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", sql)
    given = ",".join("NULL" if value is None else f"'{str(value).translate(_BRACES)}'" for value in arguments.values())
    transaction.execute(Prepared.in_both(f"PREPARE asked AS {prepared}"))
    execute = f"EXECUTE asked{f'({given})' if given else ''}"
    for _ in range(6):
        transaction.rows(Prepared.in_both(f"EXPLAIN {execute}"))
    text = "\n".join(row[0] for row in transaction.rows(Prepared.in_both(f"{explain} {execute}")))
    transaction.execute(Prepared.in_both("DEALLOCATE asked"))
    return text
