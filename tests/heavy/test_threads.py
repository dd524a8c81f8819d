"""Threads for reading: work in slices lets others in between."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from bus.heavy import HeavyWorkWaits, Shares, Slices, Steps, Threads


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    threads = Threads(Shares(at_once=2, each=1), Shares(at_once=1, each=1))
    yield threads
    threads.close()


def _steps(name: str, count: int, done: list[str]) -> Steps[str]:
    for _ in range(count):
        yield
        done.append(name)
    return name


async def test_steps_give_their_result(threads: Threads) -> None:
    assert await threads.run_steps(_steps("a", 3, []), who="a") == "a"
    assert await threads.run_steps(_steps("a", 0, []), who="a") == "a"


async def test_long_work_of_one_lets_that_of_another_in_between(threads: Threads) -> None:
    done: list[str] = []
    long = asyncio.ensure_future(threads.run_steps(_steps("long", 200, done), who="a"))
    short = await threads.run_steps(_steps("short", 2, done), who="b")
    assert short == "short"
    assert done.count("long") < 200
    await long


async def test_readers_that_wake_together_are_not_refused_however_many_they_are() -> None:
    threads = Threads(Shares(at_once=2, each=1, waiting=2, waiting_each=2), Shares(at_once=1, each=1, waiting=2))
    done: list[str] = []
    readers = [threads.run_woken(_steps("a", 1, done), who="a") for _ in range(100)]
    assert await asyncio.gather(*readers) == ["a"] * 100
    threads.close()


async def test_an_error_in_a_step_is_raised_and_its_turn_ends(threads: Threads) -> None:
    def fails() -> Steps[None]:
        yield
        raise KeyError("x")

    with pytest.raises(KeyError):
        await threads.run_steps(fails(), who="a")
    assert await threads.run(lambda: 1, who="a") == 1


async def test_work_that_gets_no_further_turn_undoes_what_it_did() -> None:
    threads = Threads(Shares(at_once=2, each=2), Shares(at_once=1, each=1, patience=0.01))
    begun, ending, done = threading.Event(), threading.Event(), list[str]()

    def keeps_the_turn() -> Steps[None]:
        yield
        begun.set()
        ending.wait(10)

    def holds() -> Steps[None]:
        try:
            yield
            done.append("gone on")
        except HeavyWorkWaits:
            done.append("undone")
            raise

    keeping = asyncio.ensure_future(threads.run_steps(keeps_the_turn(), who="a"))
    await asyncio.to_thread(begun.wait, 10)
    with pytest.raises(HeavyWorkWaits):
        await threads.run_steps(holds(), who="b")
    assert done == ["undone"]
    ending.set()
    await keeping
    threads.close()


async def test_a_turn_lasts_as_long_as_its_thread_though_nobody_waits_any_more() -> None:
    threads = Threads(Shares(at_once=1, each=1), Shares(at_once=1, each=1))
    begun, ending = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        ending.wait(10)

    first = asyncio.ensure_future(threads.run(work, who="a"))
    await asyncio.to_thread(begun.wait, 10)
    first.cancel()
    second = asyncio.ensure_future(threads.run(lambda: 2, who="b"))
    done, _ = await asyncio.wait([second], timeout=0.05)
    assert not done
    ending.set()
    assert await second == 2
    threads.close()


async def test_a_slice_ends_after_some_milliseconds_so_that_the_loop_goes_on() -> None:
    slices, turns = Slices(), 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    async with slices.begin("a") as piece:
        for _ in range(50):
            threading.Event().wait(0.001)
            await piece.breathe()
    counting.cancel()
    assert turns >= 5
