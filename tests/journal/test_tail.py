"""The journal's end: who waits there is woken by what this process appends, and by what another does."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bus.journal import Appender, JournalReader, Sight, Tail
from bus.storage import Storage, StorageUnavailable
from tests.builders import a_submission
from tests.services.waiting import until

LONG = 30
NUMBERS = itertools.count(100)


@pytest.fixture
def tail(storage: Storage) -> Tail:
    return Tail(JournalReader(storage))


@asynccontextmanager
async def followed(tail: Tail) -> AsyncIterator[None]:
    """Somebody looks for what other processes append while the block runs."""
    following = asyncio.create_task(tail.follow())
    try:
        yield
    finally:
        following.cancel()
        await asyncio.wait([following])


async def append_elsewhere(storage: Storage) -> int:
    """Append an event in what stands for another process; its position."""
    appender = Appender(storage, lambda position: None)
    (receipt,) = await appender.append([a_submission()])
    await appender.close()
    return receipt.position


async def wait_begun(tail: Tail, *waiting: asyncio.Task[bool]) -> None:
    """Let tasks come as far as to wait."""
    while tail.waiters < len(waiting):  # noqa: ASYNC110 - nothing tells it
        await asyncio.sleep(0)


def of(contract_id: int, participant: str = "dinkes") -> Sight:
    return Sight(contract_id, participant)


def begin_to_wait(tail: Tail, contract_id: int = 1, position: int = 0) -> asyncio.Task[bool]:
    return asyncio.create_task(tail.beyond(of(contract_id), position, LONG))


async def append(storage: Storage, tail: Tail, *contracts: int) -> int:
    """Append an event of each contract in this process; the last position."""
    appender = Appender(storage, tail.advance)
    receipts = await appender.append([a_submission(next(NUMBERS), contract_id=one) for one in contracts])
    await appender.close()
    return receipts[-1].position


class Watched(Tail):
    """A tail that notes the contract of each waiter that looks whether its event came."""

    looks: list[int]

    def _is_news(self, sight: Sight, position: int) -> bool:
        self.looks.append(sight.contract_id)
        return super()._is_news(sight, position)


async def test_an_event_wakes_only_those_who_wait_for_its_contract(storage: Storage):
    tail = Watched(JournalReader(storage))
    tail.looks = []
    theirs = [begin_to_wait(tail, contract_id=1) for _ in range(3)]
    others = [begin_to_wait(tail, contract_id=2) for _ in range(500)]
    await wait_begun(tail, *theirs, *others)
    tail.looks.clear()
    async with followed(tail):
        await append(storage, tail, 1)
        assert await asyncio.gather(*theirs) == [True] * 3
    assert tail.looks == [1] * 3
    for one in others:
        one.cancel()


async def test_an_event_wakes_only_those_who_may_see_it(storage: Storage, tail: Tail):
    seen = asyncio.create_task(tail.beyond(of(1, "dinkes"), 0, LONG))
    hidden = asyncio.create_task(tail.beyond(Sight(1, "desa-made", lambda _: None), 0, LONG))
    await wait_begun(tail, seen, hidden)
    async with followed(tail):
        await append(storage, tail, 1)
        assert await seen
        assert not hidden.done()
    hidden.cancel()


async def test_who_waited_through_hidden_events_has_to_look_once_so_that_it_waits_behind_them(
    storage: Storage, tail: Tail
):
    async with followed(tail):
        hidden = asyncio.create_task(tail.beyond(Sight(1, "desa-made", lambda _: None), 0, 1))
        await wait_begun(tail, hidden)
        position = await append(storage, tail, 1)
        await asyncio.to_thread(until, lambda: tail.position == position)
        assert not hidden.done()
        assert await hidden
        assert not await tail.beyond(Sight(1, "desa-made", lambda _: None), position, 0.01)


async def test_who_asks_beyond_a_position_that_is_passed_does_not_wait(storage: Storage, tail: Tail):
    async with followed(tail):
        staying = begin_to_wait(tail, contract_id=2)
        await wait_begun(tail, staying)
        position = await append(storage, tail, 1)
        assert await begin_to_wait(tail)
        assert await tail.beyond(of(1), position - 1, 0)
        staying.cancel()


async def test_who_waits_for_more_than_came_goes_on_waiting(storage: Storage, tail: Tail):
    async with followed(tail):
        first = await append(storage, tail, 1)
        waiting = begin_to_wait(tail, position=first)
        await wait_begun(tail, waiting)
        other = begin_to_wait(tail, contract_id=2)
        await append(storage, tail, 2)
        assert await other
        assert not waiting.done()
        await append(storage, tail, 3, 1)
        assert await waiting


async def test_an_event_that_came_between_the_page_and_the_wait_is_not_missed(storage: Storage, tail: Tail):
    async with followed(tail):
        staying = begin_to_wait(tail, contract_id=2, position=0)
        await wait_begun(tail, staying)
        position = await append(storage, tail, 1)
        await asyncio.to_thread(until, lambda: tail.position == position)
        assert await tail.beyond(of(1), 0, 0)
        staying.cancel()


async def test_who_comes_from_before_what_is_followed_has_to_look(storage: Storage, tail: Tail):
    ahead = begin_to_wait(tail, contract_id=1, position=7)
    await wait_begun(tail, ahead)
    assert await tail.beyond(of(2), 3, 0)
    ahead.cancel()


async def test_who_waited_as_long_as_it_said_is_told_that_nothing_came(tail: Tail):
    assert not await tail.beyond(of(1), 0, 0.01)
    assert tail.waiters == 0


async def test_who_goes_away_waits_no_more(tail: Tail):
    waiting = begin_to_wait(tail)
    await wait_begun(tail, waiting)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert tail.waiters == 0


async def test_what_another_process_appends_wakes_who_waits(storage: Storage, tail: Tail):
    async with followed(tail):
        waiting = begin_to_wait(tail)
        await wait_begun(tail, waiting)
        position = await append_elsewhere(storage)
        assert await waiting
    assert tail.position == position


class Counted(JournalReader):
    """A journal that counts how often its end is looked for; its database does not answer the first `away` times."""

    asked = 0
    away = 0

    def contracts_after(self, position: int, limit: int) -> list[tuple[int, int]]:
        self.asked += 1
        if self.asked <= self.away:
            raise StorageUnavailable("The database does not answer.")
        return super().contracts_after(position, limit)


async def test_the_database_is_asked_for_nobody(storage: Storage):
    journal = Counted(storage)
    tail = Tail(journal, interval=0)
    async with followed(tail):
        for _ in range(100):
            await asyncio.sleep(0)
        assert journal.asked == 0
        waiting = begin_to_wait(tail)
        await asyncio.to_thread(until, lambda: journal.asked > 0)
        waiting.cancel()


async def test_a_database_that_does_not_answer_for_a_moment_ends_nothing(storage: Storage):
    journal = Counted(storage)
    journal.away = 1
    tail = Tail(journal)
    await append_elsewhere(storage)
    async with followed(tail):
        assert await tail.beyond(of(1), 0, LONG)
    assert journal.asked == 2
