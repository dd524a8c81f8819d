"""Places are shared: nobody gets all of them, and who waits gets the next one in turn."""

import asyncio

import pytest

from bus.delivery.sinks.flow import Flow
from bus.delivery.sinks.places import PATIENCE_SECONDS, Place, Places

SOON = 0.01


async def all_of(places: Places, host: str, participant: str) -> list[Place]:
    taken: list[Place] = []
    while (place := await places.take(Flow(participant, host), SOON)) is not None:
        taken.append(place)
    return taken


async def test_no_participant_no_host_and_no_sink_of_a_participant_gets_all():
    places = Places(64, per_host=16)
    assert len(await all_of(places, "slow", "dinkes")) == 8
    assert await places.take(Flow("dinsos", "slow"), SOON)
    assert await places.take(Flow("dinkes", "quick"), SOON)


async def test_a_place_given_back_goes_to_who_holds_the_fewest():
    places = Places(4)
    held = [place for name in ("a", "a", "b", "c") for place in [await places.take(Flow(name, "h"), SOON)] if place]
    assert len(held) == 4
    waiting = {name: asyncio.create_task(places.take(Flow(name, "h"), 5)) for name in ("a", "b", "d")}
    await asyncio.sleep(0)
    held[0].give()
    await asyncio.wait(waiting.values(), return_when=asyncio.FIRST_COMPLETED)
    assert [name for name, task in waiting.items() if task.done()] == ["d"]
    for task in waiting.values():
        task.cancel()


async def test_who_holds_the_most_gives_up_what_is_slow_for_who_waits():
    places = Places(4)
    slow = [place for place in [await places.take(Flow(name, "h"), SOON) for name in ("a", "a", "b", "c")] if place]
    taken: list[asyncio.Task[None]] = []

    async def request(place: Place) -> None:
        try:
            async with asyncio.timeout(60) as limit:
                place.begin(limit)
                await asyncio.Event().wait()
        except TimeoutError:
            place.give()

    for place in slow:
        place.begun -= PATIENCE_SECONDS
        taken.append(asyncio.create_task(request(place)))
    assert await places.take(Flow("d", "i"), 5)
    assert [task.done() for task in taken] == [True, False, False, False]
    for task in taken:
        task.cancel()


async def test_what_is_quick_is_not_broken_off():
    places = Places(1)
    place = await places.take(Flow("a", "h"), SOON)
    assert place is not None
    async with asyncio.timeout(60) as limit:
        place.begin(limit)
        assert await places.take(Flow("b", "h"), 0.5) is None


async def test_a_place_handed_to_one_who_gave_up_is_not_lost():
    places = Places(1)
    place = await places.take(Flow("a", "h"), SOON)
    assert place is not None
    waiting = asyncio.create_task(places.take(Flow("b", "h"), 5))
    await asyncio.sleep(0)
    place.give()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await places.take(Flow("c", "h"), SOON)


async def test_one_who_gave_up_before_is_passed_over():
    places = Places(1)
    place = await places.take(Flow("a", "h"), SOON)
    assert place is not None
    gone = asyncio.create_task(places.take(Flow("b", "h"), 5))
    waiting = asyncio.create_task(places.take(Flow("c", "h"), 5))
    await asyncio.sleep(0)
    gone.cancel()
    place.give()
    assert await waiting


async def test_nothing_is_remembered_of_who_is_gone():
    places = Places(8)
    for number in range(100):
        place = await places.take(Flow("a", f"h{number}"), SOON)
        assert place is not None
        place.give()
    assert (places._of_host, places._of_participant, places._waiting, places._going) == ({}, {}, {}, {})


async def test_requests_are_ranked_only_while_somebody_waits():
    places = Places(1)
    place = await places.take(Flow("a", "h"), SOON)
    assert place is not None
    assert await places.take(Flow("b", "h"), SOON) is None
    assert places._largest is not None
    places._make_room()
    assert places._largest is None


class ACountedName(str):
    """A name that counts how often a dictionary or a set looks at any."""

    __slots__ = ()
    looks = 0

    def __hash__(self) -> int:
        ACountedName.looks += 1
        return super().__hash__()


async def looks_to_make_room(participants: int, hosts: int) -> int:
    """How many names are looked at to break one request off, among so many participants with so many hosts each."""
    places = Places(4 * participants * hosts)
    for name in range(participants):
        for number in range(hosts):
            place = places._take(Flow(ACountedName(f"p{name}"), ACountedName(f"h{name}.{number}")))
            assert place is not None
            place.begun -= PATIENCE_SECONDS
    places._all._places = places._all.places_taken
    late = asyncio.create_task(places.take(Flow(ACountedName("late"), ACountedName("h")), 60))
    await asyncio.sleep(0)
    ACountedName.looks = 0
    before = len(places._going)
    places._make_room()
    looks = ACountedName.looks
    assert len(places._going) == before - 1
    late.cancel()
    await asyncio.wait([late])
    return looks


@pytest.mark.parametrize(("participants", "hosts"), [(2, 2000), (2000, 2)], ids=["hosts", "participants"])
async def test_making_room_among_thousands_looks_at_no_more_names_than_among_few(participants: int, hosts: int):
    assert await looks_to_make_room(participants, hosts) == await looks_to_make_room(2, 2)
