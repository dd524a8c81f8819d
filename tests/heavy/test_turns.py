"""Turns: a participant waits behind its own work, and not behind another's."""

import asyncio

import pytest

from bus.heavy import HeavyWorkWaits, Shares, TooMuchAtOnce, Turns


async def _take_all(turns: Turns, names: str, begun: list[str]) -> list["asyncio.Task[None]"]:
    """Ask for a turn for each letter, in order; each is noted when it begins."""

    async def take(who: str) -> None:
        await turns.take(who)
        begun.append(who)

    tasks = [asyncio.ensure_future(take(who)) for who in names]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def _end(turns: Turns, who: str) -> None:
    turns.give_back(who)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_one_participant_holds_no_more_than_its_share() -> None:
    turns, begun = Turns(Shares(at_once=3, each=1)), list[str]()
    await _take_all(turns, "aaab", begun)
    assert begun == ["a", "b"]


async def test_a_hundred_pieces_of_work_of_one_do_not_delay_the_one_of_another() -> None:
    turns, begun = Turns(Shares(at_once=1, each=1, waiting_each=100)), list[str]()
    await _take_all(turns, "a" * 100 + "b", begun)
    await _end(turns, "a")
    await _end(turns, "a")
    assert "b" in begun[:3]


async def test_participants_have_turns_one_after_the_other() -> None:
    turns, begun = Turns(Shares(at_once=1, each=1)), list[str]()
    await _take_all(turns, "aaabbbcc", begun)
    for _ in range(7):
        await _end(turns, begun[-1])
    assert begun == ["a", "a", "b", "c", "a", "b", "c", "b"]


async def test_too_much_work_of_one_participant_is_refused_and_others_wait_on() -> None:
    turns, begun = Turns(Shares(at_once=1, each=1, waiting_each=2)), list[str]()
    await _take_all(turns, "aaa", begun)
    with pytest.raises(TooMuchAtOnce) as refused:
        await turns.take("a")
    assert refused.value.headers["retry-after"]
    await _take_all(turns, "b", begun)
    await _end(turns, "a")
    await _end(turns, "a")
    assert "b" in begun


async def test_a_full_queue_refuses_everybody() -> None:
    turns, begun = Turns(Shares(at_once=1, each=1, waiting=2)), list[str]()
    await _take_all(turns, "abc", begun)
    with pytest.raises(HeavyWorkWaits) as refused:
        await turns.take("d")
    assert refused.value.headers["retry-after"]


async def test_nobody_waits_longer_than_the_patience() -> None:
    turns = Turns(Shares(at_once=1, each=1, patience=0.01))
    await turns.take("a")
    with pytest.raises(HeavyWorkWaits):
        await turns.take("b")
    turns.give_back("a")
    await turns.take("c")


async def test_a_turn_of_one_who_left_goes_to_the_next() -> None:
    turns, begun = Turns(Shares(at_once=1, each=1)), list[str]()
    tasks = await _take_all(turns, "abc", begun)
    tasks[1].cancel()
    await _end(turns, "a")
    assert begun == ["a", "c"]
    turns.give_back("c")
    await turns.take("d")


async def test_a_turn_that_comes_as_its_owner_leaves_is_given_on() -> None:
    turns, begun = Turns(Shares(at_once=1, each=1)), list[str]()
    tasks = await _take_all(turns, "abc", begun)
    turns.give_back("a")
    tasks[1].cancel()
    await asyncio.sleep(0.01)
    assert begun[-1] == "c"
