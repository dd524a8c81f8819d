"""What a deleted subscription left goes in steps, on both databases; nobody gets it meanwhile, and no kill leaves some."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from bus import clock
from bus.contracts import Catalogue
from bus.delivery import removal
from bus.delivery.deliveries import Deliveries
from bus.delivery.leases import Leases
from bus.delivery.ledger import Lease, Ledger, NewDelivery
from bus.delivery.ordering import HELD
from bus.delivery.release import Release
from bus.delivery.remains import Remains
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import Subscription
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.tables import ATTEMPTS, DELETED_SUBSCRIPTIONS, DELIVERIES, HEALTH
from bus.identity.keys import Keys
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.builders import a_new_subscription
from tests.services.waiting import until

COUNT = 1_200


@pytest.fixture
def subscriptions(storage: Storage, bus_keys: Keys) -> Subscriptions:
    return Subscriptions(storage, bus_keys)


def owe(storage: Storage, number: int, positions: Collection[int], due_at: int = 0) -> None:
    """Make pending deliveries, each with an attempt that failed."""
    with storage.write() as transaction:
        Ledger(storage).add(transaction, [NewDelivery(number, one, None) for one in positions], due_at, again=False)
        told = {"at": 1, "failure": "transient", "detail": "", "duration_ms": 1, "number": 1}
        rows = [{"subscription": number, "position": one, **told} for one in positions]
        transaction.execute(sa.insert(ATTEMPTS), rows)
        transaction.execute(sa.insert(HEALTH).values(subscription=number, delivered=0))


def owe_run(storage: Storage, lease: Lease, positions: Collection[int]) -> None:
    """Make deliveries that are leased."""
    made = [NewDelivery(lease.subscription, one, None) for one in positions]
    with storage.write() as transaction:
        Ledger(storage).add(transaction, made, lease.due_at, again=False)


def count_left(storage: Storage, number: int) -> list[int]:
    """How many deliveries, attempts and rows of health a subscription has."""
    with storage.read() as transaction:
        return [
            transaction.value(sa.select(sa.func.count()).where(table.c.subscription == number))
            for table in (DELIVERIES, ATTEMPTS, HEALTH)
        ]


def make_deleted(storage: Storage, subscriptions: Subscriptions) -> Subscription:
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    owe(storage, made.number, range(1, COUNT + 1))
    subscriptions.delete(made, OPERATOR)
    return made


def finish(remains: Remains) -> None:
    while remains.look():
        pass


def test_each_step_deletes_a_bounded_number_and_a_kill_between_two_loses_none(
    storage: Storage, subscriptions: Subscriptions
):
    kept = subscriptions.add(a_new_subscription(), OPERATOR)
    owe(storage, kept.number, [1, 2])
    gone = make_deleted(storage, subscriptions)
    assert Remains(storage).look()
    assert count_left(storage, gone.number) == [COUNT - removal.STEP, COUNT - removal.STEP, 1]
    # Another leader knows nothing of the steps of the first one.
    finish(Remains(storage))
    assert count_left(storage, gone.number) == [0, 0, 1]
    assert count_left(storage, kept.number) == [2, 2, 1]


def test_what_a_process_writes_late_goes_too_and_then_the_note(storage: Storage, subscriptions: Subscriptions):
    gone = make_deleted(storage, subscriptions)
    finish(Remains(storage))
    with storage.write() as transaction:
        Ledger(storage).add(transaction, [NewDelivery(gone.number, 5_000, None)], 0, again=False)
    later = clock.now() + timedelta(hours=2)
    for _ in range(2):
        finish(Remains(storage, now=lambda: later))
    assert count_left(storage, gone.number) == [0, 0, 0]
    with storage.read() as transaction:
        assert transaction.one(sa.select(DELETED_SUBSCRIPTIONS)) is None


def test_a_run_of_a_deleted_subscription_has_no_deliveries_though_they_are_still_there(
    storage: Storage, subscriptions: Subscriptions
):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    owe(storage, made.number, [1, 2], due_at=77)
    ledger, lease = Ledger(storage), Lease(made.number, 77)
    with storage.read() as transaction:
        assert len(ledger.find_leased(transaction, lease)) == 2
    subscriptions.delete(made, OPERATOR)
    with storage.read() as transaction:
        assert ledger.find_leased(transaction, lease) == []
    assert count_left(storage, made.number)[0] == 2


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_deletion_waits_for_no_row_that_a_writer_has_locked(storage: Storage, subscriptions: Subscriptions):
    gone = make_deleted(storage, subscriptions)
    with storage.write() as transaction:
        its = sa.and_(DELIVERIES.c.subscription == gone.number, DELIVERIES.c.position == 7)
        transaction.execute(sa.update(DELIVERIES).where(its).values(due_at=9))
        finish(Remains(storage))
        assert count_left(storage, gone.number)[0] == 1
    finish(Remains(storage))
    assert count_left(storage, gone.number)[:2] == [0, 0]


def test_writers_beside_a_deletion_neither_wait_for_ever_nor_fail(storage: Storage, subscriptions: Subscriptions):
    gone = subscriptions.add(a_new_subscription(), OPERATOR)
    kept = subscriptions.add(a_new_subscription(), OPERATOR)
    leases = [Lease(gone.number, 10_000 + run) for run in range(60)]
    for run, lease in enumerate(leases):
        # Backwards, so that writers lock the rows in another order than the deletion.
        owe_run(storage, lease, range((60 - run) * 20, (60 - run) * 20 + 20))
    owe(storage, kept.number, range(1, 101))
    subscriptions.delete(gone, OPERATOR)
    ledger = Ledger(storage)

    def write(turn: int) -> None:
        ledger.release(leases[turn::4], 20_000 + turn)
        with storage.write() as transaction:
            ledger.discard(transaction, gone.number, dict.fromkeys(range(turn * 200, turn * 200 + 200)), 5)
            ledger.discard(transaction, kept.number, dict.fromkeys(range(turn * 25 + 1, turn * 25 + 26)), 5)

    with ThreadPoolExecutor(5) as threads:
        cleaning = threads.submit(finish, Remains(storage))
        written = [threads.submit(write, turn) for turn in range(4)]
        for one in [cleaning, *written]:
            one.result(timeout=60)
    finish(Remains(storage))
    assert count_left(storage, gone.number)[0] == 0
    assert count_left(storage, kept.number)[0] == 100


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("act", ["release", "reclaim one", "reclaim all", "resume", "redrive", "hasten", "discard"])
def test_whatever_touches_many_rows_holds_their_subscription_first_so_that_no_two_deadlock(
    storage: Storage, subscriptions: Subscriptions, act: str
):
    kept = subscriptions.add(a_new_subscription(), OPERATOR)
    ledger, table, catalogue = Ledger(storage), Leases(storage), Catalogue(storage, b"k" * 32)
    deliveries = Deliveries(storage)
    catalogue.refresh()
    lease = Lease(kept.number, HELD if act == "resume" else clock.now_micros() + 3_600_000_000)
    owe_run(storage, lease, range(1, 41))
    with storage.write() as transaction:
        table.add(transaction, [lease])
        if act == "redrive":
            transaction.execute(sa.update(DELIVERIES).values(state=DeliveryState.DEAD.value))
    table.claim("mati", [lease])
    acts: dict[str, Callable[[], object]] = {
        "release": partial(ledger.release, [lease], 1),
        "reclaim one": partial(table.release_held, "mati"),
        "reclaim all": table.release_all,
        "resume": Release(storage, catalogue, subscriptions).look,
        "redrive": partial(deliveries.redrive, kept, OPERATOR),
        "hasten": partial(deliveries.hasten, kept, OPERATOR),
        "discard": partial(deliveries.discard, kept, 1, OPERATOR),
    }
    with ThreadPoolExecutor(1) as threads:
        with storage.write() as transaction:
            ledger.hold(transaction, kept.number)
            acting = threads.submit(acts[act])
            until(lambda: acting.done() or waits_for_a_subscription(storage))
            assert not acting.done()
        acting.result(timeout=60)


def waits_for_a_subscription(storage: Storage) -> bool:
    """Whether a transaction of this database waits for a lock that names something, as subscriptions are held."""
    waiting = """SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"""
    with storage.read() as transaction:
        return bool(transaction.value(sa.text(waiting)))
