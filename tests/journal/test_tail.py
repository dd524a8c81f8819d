"""The journal's end: who waits there is woken by what this process appends, and by what another does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bus.journal import Appender, JournalReader, Tail
from bus.storage import Storage, StorageUnavailable
from tests.builders import a_submission
from tests.services.waiting import until

LONG = 30


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


async def test_who_asks_beyond_a_position_that_is_passed_does_not_wait(tail: Tail):
    tail.advance(5)
    assert await tail.beyond(4, 0)


async def test_what_this_process_appends_wakes_all_who_wait_for_it(tail: Tail):
    waiting = [asyncio.create_task(tail.beyond(0, LONG)) for _ in range(3)]
    await wait_begun(tail, *waiting)
    tail.advance(1)
    assert await asyncio.gather(*waiting) == [True] * 3
    assert tail.waiters == 0


async def test_who_waits_for_more_than_came_goes_on_waiting(tail: Tail):
    waiting = asyncio.create_task(tail.beyond(7, LONG))
    await wait_begun(tail, waiting)
    tail.advance(7)
    done, _ = await asyncio.wait([waiting], timeout=0)
    assert not done
    tail.advance(8)
    assert await waiting


async def test_who_waited_as_long_as_it_said_is_told_that_nothing_came(tail: Tail):
    assert not await tail.beyond(0, 0.01)
    assert tail.waiters == 0


async def test_who_goes_away_waits_no_more(tail: Tail):
    waiting = asyncio.create_task(tail.beyond(0, LONG))
    await wait_begun(tail, waiting)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert tail.waiters == 0


async def test_an_older_position_takes_nothing_back(tail: Tail):
    for position in (9, 3):
        tail.advance(position)
    assert tail.position == 9


async def test_what_another_process_appends_wakes_who_waits(storage: Storage, tail: Tail):
    async with followed(tail):
        waiting = asyncio.create_task(tail.beyond(0, LONG))
        await wait_begun(tail, waiting)
        position = await append_elsewhere(storage)
        assert await waiting
    assert tail.position == position


class Counted(JournalReader):
    """A journal that counts how often its end is looked for; its database does not answer the first `away` times."""

    asked = 0
    away = 0

    def last_position(self) -> int:
        self.asked += 1
        if self.asked <= self.away:
            raise StorageUnavailable("The database does not answer.")
        return super().last_position()


async def test_the_database_is_asked_for_nobody(storage: Storage):
    journal = Counted(storage)
    tail = Tail(journal, interval=0)
    async with followed(tail):
        for _ in range(100):
            await asyncio.sleep(0)
        assert journal.asked == 0
        waiting = asyncio.create_task(tail.beyond(0, LONG))
        await asyncio.to_thread(until, lambda: journal.asked > 0)
        waiting.cancel()


async def test_a_database_that_does_not_answer_for_a_moment_ends_nothing(storage: Storage):
    journal = Counted(storage)
    journal.away = 1
    tail = Tail(journal)
    await append_elsewhere(storage)
    async with followed(tail):
        assert await tail.beyond(0, LONG)
    assert journal.asked == 2
