"""Old settled deliveries go in steps by their key, on both databases; what is owed stays, however old it is."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus import clock
from bus.actions import ActionLog, Verb, Wanted
from bus.delivery import removal
from bus.delivery.expiry import Expiry
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.relayed import write_relayed
from bus.delivery.state import DeliveryState
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.tables import ATTEMPTS, DELIVERIES
from bus.delivery.tally import read_tally
from bus.identity.keys import Keys
from bus.journal import JournalReader
from bus.journal.tables import JOURNAL
from bus.storage import Prepared, Storage, Transaction
from tests.an_actor import OPERATOR
from tests.builders import a_new_subscription

DAY = 24 * 3600 * 1_000_000
DAYS = 10
NOW = clock.moment(100 * DAY + 5)
EDGE = (100 - DAYS) * DAY
"""What ended before this moment goes."""


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery as a test wants it; its event was recorded at `recorded_at`."""

    recorded_at: int
    state: DeliveryState
    finished_at: int | None

    @property
    def goes(self) -> bool:
        is_settled = self.state in (DeliveryState.DELIVERED, DeliveryState.DISCARDED)
        return is_settled and self.finished_at is not None and self.finished_at < EDGE


class Site:
    """One subscription with deliveries, and what expires them."""

    def __init__(self, storage: Storage, keys: Keys) -> None:
        self.storage = storage
        self.subscriptions = Subscriptions(storage, keys)
        self.number = self.subscriptions.add(a_new_subscription(), OPERATOR).number

    def fill(self, rows: Mapping[int, Row], relayed: int | None = None) -> None:
        """Deliveries by position, each with a failed attempt."""
        with self.storage.write() as transaction:
            for table in (DELIVERIES, ATTEMPTS, JOURNAL):
                transaction.execute(sa.delete(table))
            write_relayed(transaction, max(rows) if relayed is None else relayed)
            event = {"contract_id": 1, "version_id": 1, "participant": "dukcapil-lamongan", "body": b"{}"}
            made = {"subscription": self.number, "attempts": 1, "due_at": 1}
            failed = {"subscription": self.number, "number": 1, "at": 1, "failure": "transient", "detail": ""}
            journal, deliveries, attempts = [], [], []
            for position, row in rows.items():
                at = {"position": position}
                journal.append({**event, **at, "recorded_at": row.recorded_at, "identity": b"%d" % position})
                deliveries.append({**made, **at, "state": row.state.value, "finished_at": row.finished_at})
                attempts.append({**failed, **at, "duration_ms": 1})
            transaction.execute(sa.insert(JOURNAL), journal)
            transaction.execute(sa.insert(DELIVERIES), deliveries)
            transaction.execute(sa.insert(ATTEMPTS), attempts)

    def expiry(self, days: int = DAYS) -> Expiry:
        return Expiry(self.storage, JournalReader(self.storage), self.subscriptions, days, now=lambda: NOW)

    def positions(self, table: sa.Table = DELIVERIES) -> set[int]:
        with self.storage.read() as transaction:
            return {row[0] for row in transaction.rows(sa.select(table.c.position))}


@pytest.fixture
def site(storage: Storage, bus_keys: Keys) -> Site:
    return Site(storage, bus_keys)


def finish(expiry: Expiry) -> int:
    """Take all steps; returns how many there were."""
    steps = 1
    while expiry.look():
        steps += 1
    return steps


def delivered(recorded_at: int = 1, finished_at: int = 2) -> Row:
    return Row(recorded_at, DeliveryState.DELIVERED, finished_at)


moments = st.sampled_from([1, EDGE - 1, EDGE, EDGE + DAY])
rows = st.builds(Row, moments, st.sampled_from(DeliveryState), st.one_of(st.none(), moments))


# Each example fills the database anew.
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(rows, min_size=1, max_size=12))
def test_nothing_that_is_owed_or_young_is_ever_deleted(site: Site, made: list[Row]):
    in_order = sorted(made, key=lambda row: row.recorded_at)
    by_position = dict(enumerate(in_order, 1))
    site.fill(by_position)
    finish(site.expiry())
    left = site.positions()
    assert {position for position, row in by_position.items() if not row.goes} <= left
    old = {position for position, row in by_position.items() if row.goes and row.recorded_at < EDGE}
    assert left == by_position.keys() - old
    assert site.positions(ATTEMPTS) == left


def test_each_step_looks_at_a_bounded_number_and_a_kill_between_two_loses_none(site: Site):
    site.fill({position: delivered() for position in range(1, 1_101)})
    assert site.expiry().look()
    assert site.positions() == set(range(removal.STEP + 1, 1_101))
    finish(site.expiry())
    assert site.positions() == set()


def test_a_delivery_that_is_not_relayed_yet_stays(site: Site):
    site.fill({position: delivered() for position in range(1, 4)}, relayed=2)
    finish(site.expiry())
    assert site.positions() == {3}


def test_by_default_all_are_kept(site: Site):
    site.fill({1: delivered()})
    assert not site.expiry(days=0).look()
    assert site.positions() == {1}


def test_what_was_deleted_is_told_once_a_day_in_the_action_log(site: Site):
    site.fill({position: delivered() for position in range(1, 4)})
    expiry = site.expiry()
    finish(expiry)
    finish(expiry)
    wanted = Wanted(what=Verb.DELIVERIES_FORGET)
    (told,) = ActionLog(site.storage).search(wanted, None, 10, OPERATOR)
    assert told.action.details == {"rows": 3, "days": DAYS}


def test_the_counts_of_what_was_delivered_stay(site: Site):
    site.fill({1: delivered(), 2: Row(1, DeliveryState.DEAD, 2), 3: Row(1, DeliveryState.PENDING, None)})
    with site.storage.write() as transaction:
        told = "INSERT INTO subscription_health (subscription, delivered) VALUES (:number, 1)"
        transaction.execute(sa.text(told), {"number": site.number})
    finish(site.expiry())
    with site.storage.read() as transaction:
        assert read_tally(transaction, site.number).counts == {"delivered": 1, "dead": 1, "pending": 1}


def test_a_replay_makes_deliveries_that_were_deleted_once_again(site: Site):
    site.fill({1: delivered(), 2: delivered()})
    finish(site.expiry())
    with site.storage.write() as transaction:
        new = [NewDelivery(site.number, position, None) for position in (1, 2)]
        Ledger(site.storage).add(transaction, new, 7, again=True)
        Ledger(site.storage).add(transaction, new, 7, again=True)
    with site.storage.read() as transaction:
        assert read_tally(transaction, site.number).counts == {"pending": 2}
    finish(site.expiry())
    assert site.positions() == {1, 2}


def test_a_delivery_that_somebody_retries_meanwhile_stays(site: Site):
    site.fill({1: delivered(), 2: delivered()})
    seen = removal.look(site.storage, site.number, 0)
    with site.storage.write() as transaction:
        Ledger(site.storage).add(transaction, [NewDelivery(site.number, 1, None)], 7, again=True)
    assert removal.remove(site.storage, site.number, [one.position for one in seen], EDGE) == 1
    assert site.positions() == {1}


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize("has_statistics", [False, True])
def test_postgresql_finds_them_by_their_key_alone(site: Site, has_statistics: bool):
    # Rolled back: statistics of one test must not steer the plans of others.
    with suppress(_RollBack), site.storage.write() as transaction:
        transaction.execute(
            sa.text(
                "INSERT INTO deliveries (subscription, position, state, attempts, due_at, finished_at) "
                f"SELECT {site.number}, position, 1, 1, 1, 1 FROM generate_series(1, 20000) AS position"
            )
        )
        if has_statistics:
            transaction.execute(sa.text("ANALYZE deliveries"))
        plans = list(_explain_removal(transaction, site.number))
        raise _RollBack
    assert len(plans) == 5
    for plan in plans:
        assert not re.search("Seq Scan on (deliveries|attempts)", plan), plan
        assert re.search("pk_(deliveries|attempts)", plan), plan


class _RollBack(Exception):
    pass


def _explain_removal(transaction: Transaction, number: int) -> Iterator[str]:
    asked = {"subscription": number}
    named = {**asked, "wanted": transaction.numbers(range(1, 500))}
    for statement, arguments in (
        (removal.LOOK, {**asked, "after": 10, "last": 20_000, "most": removal.STEP}),
        (removal.LOCK_ALL, named),
        (removal.LOCK_SETTLED, {**named, "before": 5}),
        (removal.DELETE_ATTEMPTS, named),
        (removal.DELETE_DELIVERIES, named),
    ):
        explained = Prepared.in_both(f"EXPLAIN {statement.postgres}")
        yield "\n".join(row[0] for row in transaction.rows(explained, arguments))


def test_the_pass_of_the_next_day_goes_on(site: Site):
    moment = NOW
    site.fill({1: delivered(), 2: delivered(EDGE, EDGE)})
    expiry = Expiry(
        site.storage, JournalReader(site.storage), site.subscriptions, DAYS,
        now=lambda: moment, since_start=lambda: clock.micros(moment) / 1_000_000,
    )  # fmt: skip
    finish(expiry)
    assert site.positions() == {2}
    moment += timedelta(days=1)
    finish(expiry)
    assert site.positions() == set()
