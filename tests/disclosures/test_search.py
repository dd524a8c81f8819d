"""Searches find exactly the disclosures that fit, page by page, and cost the same in a large log as in a small one."""

import random
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bus import clock
from bus.disclosures import Channel, Disclosure, DisclosureLog, Found, Place, Wanted, statements
from bus.disclosures.stretches import list_blocks, pack_position
from bus.disclosures.tables import DISCLOSURES
from bus.journal import Persons
from bus.journal.tables import PERSONS, PROJECTED, STRETCH
from bus.storage import Prepared, Storage
from tests.builders import a_nik

DAY = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def log(storage: Storage) -> DisclosureLog:
    return DisclosureLog(storage, Persons(storage))


def a_page(*positions: int, **changes: Any) -> Disclosure:
    given: dict[str, Any] = {
        "participant": "dinkes", "client_id": "client_1", "channel": Channel.FEED, "contract_id": 1, "version": "1.0.0",
        "purpose": "imunisasi", "legal_basis": "PKS 1", "fields": ["/nik"], "positions": positions,
    }  # fmt: skip
    return Disclosure(**(given | changes))


def tell_persons(storage: Storage, persons: Iterable[tuple[int, int]]) -> None:
    """Have the journal know which positions are about which persons; it needs no events for that."""
    rows = [
        {"stretch": position // STRETCH, "person": a_nik(number), "position": position, "contract_id": 1}
        for position, number in persons
    ]
    with storage.write() as transaction:
        transaction.execute(sa.insert(PERSONS), rows)
        last = max(row["position"] for row in rows)
        if not transaction.execute(sa.update(PROJECTED).values(position=last)):
            transaction.execute(sa.insert(PROJECTED), [{"id": 1, "position": last}])


def set_times(storage: Storage, times: Sequence[tuple[datetime, datetime]]) -> None:
    """Move the rows of the log to other times, in the order in which they were written."""
    with storage.write() as transaction:
        ids = [row[0] for row in transaction.rows(sa.select(DISCLOSURES.c.id).order_by(DISCLOSURES.c.id))]
        for number, (first, last) in zip(ids, times, strict=True):
            at, last_at = clock.micros(first), clock.micros(last)
            moved = sa.update(DISCLOSURES).where(DISCLOSURES.c.id == number)
            transaction.execute(moved.values(at=at, last_at=last_at, day=at // 86_400_000_000))


def read_all(log: DisclosureLog, wanted: Wanted, limit: int) -> list[Found]:
    found: list[Found] = []
    place: Place | None = None
    while page := log.search(wanted, place, limit):
        assert len(page) <= limit
        found += page
        place = page[-1].place
    return found


def held(found: Iterable[Found]) -> list[list[int]]:
    return [one.positions for one in found]


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_searches_find_what_a_list_of_all_disclosures_says(storage: Storage, log: DisclosureLog, limit: int):
    chance = random.Random(7)
    persons = {position: chance.randrange(12) for position in range(1, 3 * STRETCH, 401)}
    tell_persons(storage, persons.items())
    told: list[Disclosure] = []
    for number in range(60):
        positions = sorted(chance.sample(sorted(persons), chance.choice([1, 2, 40])))
        told.append(
            a_page(
                *positions,
                participant=f"desa-{number % 4}",
                client_id=None if number % 5 == 0 else f"client_{number % 7}",
                contract_id=1 + number % 2,
                purpose=f"tujuan {number % 3}",
                fields=[f"/{number}"],
            )
        )
        log.record(told[-1:])
    told.append(a_page(participant="desa-0", channel=Channel.QUERY, person=a_nik(3), positions=()))
    log.record(told[-1:])
    for person in (None, a_nik(3), a_nik(99)):
        for conditions in (
            {},
            {"participant": "desa-2"},
            {"client_id": "client_3"},
            {"contract_id": 2, "purpose": "tujuan 1"},
            {"participant": "desa-0", "client_id": "client_1", "contract_id": 1},
            {"participant": "siapa"},
        ):
            wanted = Wanted(person, **conditions)  # type: ignore[arg-type]
            expected = [
                list(one.positions)
                for one in reversed(told)
                if all(getattr(one, name) == value for name, value in conditions.items())
                and (
                    person in (None, one.person)
                    or any(a_nik(persons[position]) == person for position in one.positions)
                )
            ]
            assert held(read_all(log, wanted, limit)) == expected


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_no_page_loses_a_row_of_a_moment_that_many_recipients_share(log: DisclosureLog, limit: int):
    log.record([a_page(number, purpose=f"tujuan {number}") for number in range(1, 30)])
    assert sorted(held(read_all(log, Wanted(), limit))) == [[number] for number in range(1, 30)]


WINDOWS = [
    ((None, None), [4, 3, 2, 1]),
    ((DAY, None), [4, 3, 2]),
    ((None, DAY + timedelta(hours=8)), [2, 1]),
    ((DAY + timedelta(hours=10), DAY + timedelta(hours=12)), [3, 2]),
    ((DAY + timedelta(hours=17), DAY + timedelta(days=1)), []),
    ((DAY + timedelta(days=1), DAY + timedelta(days=1, microseconds=1)), [4]),
]


@pytest.mark.parametrize(("window", "expected"), WINDOWS)
@pytest.mark.parametrize("person", [None, a_nik(1)])
def test_a_window_finds_what_may_have_left_within_it(
    storage: Storage,
    log: DisclosureLog,
    window: tuple[datetime | None, datetime | None],
    expected: list[int],
    person: str | None,
):
    """A row that was counted at seven and at sixteen may have been counted at noon too."""
    tell_persons(storage, [(position, 1) for position in range(1, 5)])
    for position in range(1, 5):
        log.record([a_page(position)])
    hours = timedelta(hours=1)
    set_times(
        storage,
        [
            (DAY - 2 * hours, DAY - hours),
            (DAY + 7 * hours, DAY + 16 * hours),
            (DAY + 11 * hours, DAY + 11 * hours),
            (DAY + timedelta(days=1), DAY + timedelta(days=1)),
        ],
    )
    found = log.search(Wanted(person, since=window[0], until=window[1]), None, 100)
    assert held(found) == [[position] for position in expected]


def test_a_person_is_not_told_to_be_disclosed_by_what_did_not_leave(storage: Storage, log: DisclosureLog):
    tell_persons(storage, [(1, 1), (2, 2)])
    ((noted,),) = log.announce([[a_page(1, 2, channel=Channel.WEBHOOK, client_id=None)]])
    with storage.write() as transaction:
        log.withdraw(transaction, [noted._replace(positions=frozenset({1}))])
    assert [len(log.search(Wanted(a_nik(number)), None, 10)) for number in (1, 2)] == [0, 1]
    log.announce([[a_page(1, 2, channel=Channel.WEBHOOK, client_id=None)]])
    assert [len(log.search(Wanted(a_nik(number)), None, 10)) for number in (1, 2)] == [1, 1]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_recipient_whose_disclosure_was_rolled_back_is_added_again(storage: Storage, log: DisclosureLog):
    with storage.write() as transaction:
        transaction.execute(
            sa.text("CREATE TRIGGER full BEFORE INSERT ON disclosures BEGIN SELECT RAISE(ABORT, 'full'); END")
        )
    with pytest.raises(Exception, match="full"):
        log.record([a_page(1)])
    with storage.write() as transaction:
        transaction.execute(sa.text("DROP TRIGGER full"))
    log.record([a_page(2, participant="dinsos")])
    log.record([a_page(1)])
    assert held(log.search(Wanted(participant="dinkes"), None, 10)) == [[1]]


QUESTIONS = {
    "a person": Wanted(a_nik(5)),
    "a person and a participant": Wanted(a_nik(5), "desa-3"),
    "a client in a window": Wanted(client_id="client_3", since=DAY, until=DAY + timedelta(hours=1)),
    "a contract": Wanted(contract_id=1),
    "a purpose in a window": Wanted(purpose="imunisasi", since=DAY, until=DAY + timedelta(hours=1)),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_question_costs_no_more_in_a_log_ten_times_as_long(storage: Storage, log: DisclosureLog):
    """What is counted are the steps of SQLite's machine: they depend on no clock."""
    tell_persons(storage, [(position, position) for position in range(1, 2001)])
    asked: list[dict[str, int]] = []
    for rows in (300, 3000):
        fill(log, rows)
        with storage.write() as transaction:
            # A row each minute, the newest in the window's middle.
            newest = clock.micros(DAY + timedelta(minutes=30))
            last = transaction.value(sa.select(sa.func.max(DISCLOSURES.c.id)))
            at = newest - (last - DISCLOSURES.c.id) * 60_000_000
            transaction.execute(sa.update(DISCLOSURES).values(at=at, last_at=at))
        asked.append(
            {name: count_steps(storage, partial(log.search, one, None, 10)) for name, one in QUESTIONS.items()}
        )
    few, many = asked
    assert {name: (few[name], many[name]) for name in few if many[name] > 2 * few[name] + 20} == {}


def fill(log: DisclosureLog, rows: int) -> None:
    """Add disclosures: those about the asked person are as many in every log."""
    before = len(log.search(Wanted(contract_id=1), None, 100_000))
    told = [a_page(1, 5, 9, participant=f"desa-{number}", client_id=f"client_{number}") for number in range(5)]
    for number in range(before, rows):
        first = 10 + 37 * number % 1900
        told.append(
            a_page(
                *range(first, first + 1 + number % 60),
                participant=f"desa-{number % 5}",
                client_id=f"client_{number % 5}",
                fields=["/nik"] if number % 2 else ["/nama"],
            )
        )
    log.record(told)


def count_steps(storage: Storage, act: Callable[[], Any]) -> int:
    """Hundreds of steps that SQLite's machine takes meanwhile."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def watch(connection: sqlite3.Connection, *_: Any) -> None:
        connection.set_progress_handler(count, 100)

    storage.close()
    engine = storage.database.engines[0]
    event.listen(engine, "connect", watch)
    try:
        act()
    finally:
        event.remove(engine, "connect", watch)
        storage.close()
    return steps


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_postgresql_walks_neither_the_log_nor_its_index(storage: Storage, log: DisclosureLog):
    log.record([a_page(1)])
    with storage.write() as transaction:
        for text in (
            "INSERT INTO disclosures (recipient_id, at, last_at, day, digest) "
            "SELECT n % 50, n, n, n / 1000, int8send(n) FROM generate_series(1, 20000) AS n",
            "INSERT INTO disclosed_stretches SELECT n * 4, n, n, n FROM generate_series(2, 20000) AS n",
            "ANALYZE disclosures",
            "ANALYZE disclosed_stretches",
        ):
            transaction.execute(sa.text(text))
    asked = {
        statements.COVERING: {
            "blocks": list_blocks(700),
            "position": 700,
            "packed": pack_position(700),
            "before": 2**62,
        },
        statements.PAGE: {"recipients": list(range(20)), "at": 2**62, "id": 2**62, "since": 5, "day": 0, "limit": 100},
        statements.ANSWERS: {"person": "1", "before": 2**62, "limit": 10},
        statements.OLD: {"day": 3, "limit": 10},
        statements.ROWS: {"ids": [1, 2, 3]},
    }
    with storage.read() as transaction:
        for statement, given in asked.items():
            explained = Prepared(postgres=f"EXPLAIN {statement.postgres}")
            plan = "\n".join(row[0] for row in transaction.rows(explained, given))
            assert "Seq Scan on disclosures" not in plan, plan
            assert "Seq Scan on disclosed_stretches" not in plan, plan
