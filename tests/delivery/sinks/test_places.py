"""Places are shared: nobody gets all of them, and who waits gets the next one in turn."""

import asyncio

from bus.delivery.sinks.places import PATIENCE_SECONDS, Flow, Place, Places, Share

SOON = 0.01


def taken_by_one(share: Share, name: str) -> int:
    count = 0
    while share.admits(name):
        share.take(name)
        count += 1
    return count


def test_one_alone_gets_half_and_each_further_one_half_of_the_rest():
    share = Share(64)
    assert [taken_by_one(share, name) for name in ("a", "b", "c")] == [32, 16, 8]


def test_whoever_has_none_gets_the_last():
    share = Share(4)
    for name in ("a", "b", "c"):
        share.take(name)
    assert not share.admits("a")
    assert share.admits("d")


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
    assert (places._of_host, places._of_participant, places._waiting, places._taken) == ({}, {}, {}, {})
