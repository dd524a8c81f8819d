"""Turns: who waits, who comes next, and that none is lost."""

import asyncio

import pytest

from bus.limits import Turns


async def test_others_wait_and_have_their_turn_in_order():
    turns, order = Turns(2), []

    async def work(number: int) -> None:
        await turns.take()
        order.append(number)
        await asyncio.sleep(0)
        turns.give_back()

    await asyncio.gather(*(work(number) for number in range(6)))
    assert order == [0, 1, 2, 3, 4, 5]
    await asyncio.wait_for(turns.take(), 1)


async def test_who_goes_away_while_waiting_takes_no_turn():
    turns = Turns(1)
    await turns.take()
    gone, stays = (asyncio.ensure_future(turns.take()) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    turns.give_back()
    await asyncio.wait_for(stays, 1)
    turns.give_back()
    assert turns.waiting == 0
    await asyncio.wait_for(turns.take(), 1)


async def test_a_turn_that_comes_to_somebody_who_goes_away_at_that_moment_is_passed_on():
    turns = Turns(1)
    await turns.take()
    gone = asyncio.ensure_future(turns.take())
    await asyncio.sleep(0)
    turns.give_back()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await asyncio.wait_for(turns.take(), 1)
