"""Readiness: however many ask, one look at a time, and what it found is told for a second."""

import asyncio
import threading
from dataclasses import dataclass, field

from bus.http.health import Check, Health


@dataclass
class Looks:
    """A check that is counted, and that waits until it may end."""

    number: int = 0
    may_end: threading.Event = field(default_factory=threading.Event)
    now: float = 0.0

    def __call__(self) -> Check:
        self.number += 1
        assert self.may_end.wait(10)
        return Check(True, f"look {self.number}")


async def test_a_hundred_who_ask_at_once_cost_one_look_and_one_who_leaves_takes_nothing_away():
    looks = Looks()
    health = Health({"database": looks}, lambda: looks.now)
    asking = [asyncio.create_task(health.found()) for _ in range(100)]
    await asyncio.sleep(0)
    asking[0].cancel()
    looks.may_end.set()
    found = await asyncio.gather(*asking[1:])
    assert looks.number == 1
    assert {one["database"].detail for one in found} == {"look 1"}


async def test_what_was_found_is_told_for_a_second():
    looks = Looks()
    looks.may_end.set()
    health = Health({"database": looks}, lambda: looks.now)
    numbers = []
    for looks.now in (0.0, 0.9, 1.1, 2.0, 2.2):
        await health.found()
        numbers.append(looks.number)
    assert numbers == [1, 1, 2, 2, 3]
