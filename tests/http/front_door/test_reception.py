"""The reception: strangers are heard some at a time, in their order."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from bus.http.front_door.reception import Reception
from tests.attacks.a_live_bus import until


@dataclass
class Turns:
    """Counts the turns of the loop, and what happened in each."""

    now: int = 0
    heard: list[bytes] = field(default_factory=list)
    in_turn: Counter[int] = field(default_factory=Counter)

    async def count(self) -> None:
        while True:
            self.now += 1
            await asyncio.sleep(0)

    def hear(self, data: bytes) -> None:
        self.in_turn[self.now] += 1
        self.heard.append(data)


class Broken:
    def hear(self, data: bytes) -> None:
        raise RuntimeError


async def test_thousands_who_speak_at_once_are_not_heard_in_one_turn_of_the_loop():
    turns, reception = Turns(), Reception(asyncio.get_running_loop())
    counting = asyncio.create_task(turns.count())
    said = [b"%d" % number for number in range(2000)]
    for data in said:
        reception.queue(turns, data)
    async with asyncio.timeout(20):
        while len(turns.heard) < len(said):  # noqa: ASYNC110 - the turns of the loop are what is counted
            await asyncio.sleep(0)
    counting.cancel()
    assert turns.heard == said
    assert max(turns.in_turn.values()) < 100


async def test_what_fails_with_one_of_them_harms_no_other():
    loop, turns = asyncio.get_running_loop(), Turns()
    loop.set_exception_handler(lambda *_: None)
    reception = Reception(loop)
    for number in range(40):
        reception.queue(Broken() if number % 2 else turns, b"%d" % number)
    await until(lambda: len(turns.heard) == 20)
    # It serves again after it was empty.
    reception.queue(turns, b"more")
    await until(lambda: turns.heard[-1] == b"more")
