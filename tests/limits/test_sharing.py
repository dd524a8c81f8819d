"""Sharing: several processes hold one rate together."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from bus import clock
from bus.limits import Limit, LimitRegister, Limits, Sharing
from bus.limits.limits import Allowance
from bus.limits.tables import LIMITS_SPENT
from bus.storage import Storage

Process = Callable[[], Limits]
HOUR_MICROS = 3_600_000_000


def left(limits: Limits) -> float:
    return limits.get("bapenda").publish.refill(0.0)


@dataclass
class AClock:
    """Stands at the microsecond of its making until it is moved."""

    now: int = field(default_factory=clock.now_micros)

    def __call__(self) -> int:
        return self.now


@dataclass
class Pair:
    """Two processes on one database."""

    here: Limits
    there: Limits
    sharing_here: Sharing
    sharing_there: Sharing
    clock: "AClock"

    async def exchange(self) -> None:
        """Let each process tell the other."""
        await exchange(self.sharing_here, self.sharing_there)

    async def charge_here(self, units: int) -> None:
        """Charge one process, and let it tell the other."""
        self.here.take("bapenda", Limit.PUBLISH, units)
        await self.exchange()


@pytest.fixture
async def pair(storage: Storage, a_process: Process) -> Pair:
    """Two processes that know of each other."""
    here, there, clock = a_process(), a_process(), AClock()
    pair = Pair(here, there, Sharing(storage, here, clock), Sharing(storage, there, clock), clock)
    await pair.exchange()
    return pair


async def exchange(*sharings: Sharing) -> None:
    for sharing in sharings:
        await sharing.exchange()


def processes_told(storage: Storage) -> set[str]:
    """The processes that have rows besides their sign of life."""
    with storage.read() as transaction:
        return {row.process for row in transaction.rows(sa.select(LIMITS_SPENT)) if row.limit}


def make_older(storage: Storage, *which: sa.ColumnElement[bool]) -> None:
    """Let rows have been written two hours earlier."""
    with storage.write() as transaction:
        earlier = LIMITS_SPENT.c.seen_at - 2 * HOUR_MICROS
        transaction.execute(sa.update(LIMITS_SPENT).where(*which).values(seen_at=earlier))


async def test_what_one_process_was_charged_the_others_take_from_theirs(pair: Pair):
    await pair.exchange()
    pair.here.take("bapenda", Limit.PUBLISH, 60)
    pair.there.take("bapenda", Limit.PUBLISH, 30)
    await exchange(pair.sharing_here, pair.sharing_there, pair.sharing_here)
    assert (left(pair.here), left(pair.there)) == (10, 10)
    # Nothing is told twice.
    await pair.exchange()
    await pair.exchange()
    assert (left(pair.here), left(pair.there)) == (10, 10)


async def test_a_process_that_starts_is_not_charged_with_what_is_past(storage: Storage, a_process: Process, pair: Pair):
    pair.here.take("bapenda", Limit.PUBLISH, 60)
    await exchange(pair.sharing_here)
    late = a_process()
    sharing_late = Sharing(storage, late)
    await exchange(sharing_late)
    assert left(late) == 100
    pair.here.take("bapenda", Limit.PUBLISH, 5)
    await exchange(pair.sharing_here, sharing_late)
    assert left(late) == 95


async def test_a_process_that_is_alone_writes_a_sign_of_life_and_nothing_else(storage: Storage, a_process: Process):
    limits = a_process()
    sharing = Sharing(storage, limits)
    await exchange(sharing)
    limits.take("bapenda", Limit.PUBLISH, 60)
    await exchange(sharing, sharing)
    with storage.read() as transaction:
        assert [row.limit for row in transaction.rows(sa.select(LIMITS_SPENT))] == [""]


async def test_what_a_process_was_charged_while_it_was_alone_is_told_to_none_that_comes_later(
    storage: Storage, a_process: Process
):
    here = a_process()
    sharing_here = Sharing(storage, here)
    for _ in range(3):
        await exchange(sharing_here)
        here.take("bapenda", Limit.PUBLISH, 25)
    await exchange(sharing_here)
    second = a_process()
    sharing_second = Sharing(storage, second)
    await exchange(sharing_second, sharing_here, sharing_second)
    assert left(second) == 100
    here.take("bapenda", Limit.PUBLISH, 5)
    await exchange(sharing_here, sharing_second)
    assert left(second) == 95


async def test_a_process_that_is_alone_again_goes_on_from_what_it_told(storage: Storage, pair: Pair):
    await pair.charge_here(10)
    # There falls silent for a while, and comes back.
    is_alive = LIMITS_SPENT.c.limit == ""
    make_older(storage, is_alive)
    pair.here.take("bapenda", Limit.PUBLISH, 20)
    await exchange(pair.sharing_here)
    with storage.write() as transaction:
        transaction.execute(sa.update(LIMITS_SPENT).where(is_alive).values(seen_at=clock.now_micros()))
    await pair.charge_here(5)
    assert left(pair.there) == 85


async def test_what_was_told_is_not_charged_again_after_an_hour_without_requests(
    storage: Storage, a_process: Process, pair: Pair
):
    await pair.charge_here(60)
    make_older(storage, LIMITS_SPENT.c.limit != "")
    # A process that begins forgets those that are gone.
    await exchange(Sharing(storage, a_process()), pair.sharing_there)
    await pair.charge_here(5)
    assert left(pair.there) == 35


async def test_a_process_without_a_sign_of_life_is_forgotten_with_all_that_it_told(
    storage: Storage, a_process: Process, pair: Pair
):
    pair.here.take("bapenda", Limit.PUBLISH, 60)
    await exchange(pair.sharing_here)
    assert len(processes_told(storage)) == 1
    make_older(storage, LIMITS_SPENT.c.limit == "")
    await exchange(Sharing(storage, a_process()))
    assert processes_told(storage) == set()


async def test_a_process_that_was_forgotten_begins_anew(pair: Pair):
    await pair.charge_here(60)
    # The database is away for long; the other is the first to find it back.
    pair.clock.now += 2 * HOUR_MICROS
    await exchange(pair.sharing_there, pair.sharing_here, pair.sharing_there)
    await pair.charge_here(5)
    assert left(pair.there) == 35


async def test_a_limit_that_only_a_newer_process_knows_is_skipped(storage: Storage, a_process: Process):
    here = a_process()
    sharing = Sharing(storage, here)
    await exchange(sharing)
    newer = {"process": "process_x", "participant": "bapenda", "spent": 7, "seen_at": clock.now_micros()}
    with storage.write() as transaction:
        rows = [newer | {"limit": "thoughts"}, newer | {"limit": "publish"}]
        transaction.execute(sa.insert(LIMITS_SPENT), rows)
    await exchange(sharing)
    assert left(here) == 93


class Watched(Limits):
    """Limits that note in which threads a participant's are asked for."""

    threads: set[threading.Thread]

    def get(self, participant: str) -> Allowance:
        self.threads.add(threading.current_thread())
        return super().get(participant)


async def test_buckets_are_charged_in_the_loop_to_which_they_belong(
    storage: Storage, register: LimitRegister, pair: Pair
):
    watched = Watched(register, now=lambda: 0.0)
    watched.threads = set()
    sharing = Sharing(storage, watched)
    await exchange(sharing, pair.sharing_here)
    pair.here.take("bapenda", Limit.PUBLISH, 60)
    await exchange(pair.sharing_here, sharing)
    assert watched.threads == {threading.current_thread()}
    assert left(watched) == 40
