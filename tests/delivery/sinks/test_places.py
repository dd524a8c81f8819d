"""Places are shared: nobody gets all of them, and who waits gets the next one in turn."""

import asyncio

from bus.delivery.sinks.places import Places, Share

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


async def all_of(places: Places, host: str, participant: str) -> int:
    count = 0
    while await places.take(host, participant, SOON):
        count += 1
    return count


async def test_no_participant_no_host_and_no_sink_of_a_participant_gets_all():
    places = Places(64, per_host=16)
    assert await all_of(places, "slow", "dinkes") == 8
    assert await places.take("slow", "dinsos", SOON)
    assert await places.take("quick", "dinkes", SOON)


async def test_a_place_given_back_goes_to_each_who_waits_in_turn():
    places, order = Places(2), list[str]()
    held = [("h", "a"), ("i", "b")]
    for host, participant in held:
        assert await places.take(host, participant, SOON)

    async def waits(participant: str) -> None:
        assert await places.take("h", participant, 5)
        order.append(participant)

    waiting = [asyncio.create_task(waits(name)) for name in ("a", "a", "a", "c")]
    await asyncio.sleep(0)
    for host, participant in [*held, ("h", "a"), ("h", "c"), ("h", "a")]:
        places.give(host, participant)
        for _ in range(3):
            await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order.index("c") < 2


async def test_a_place_handed_to_one_who_gave_up_is_not_lost():
    places = Places(1)
    assert await places.take("h", "a", SOON)
    waiting = asyncio.create_task(places.take("h", "b", 5))
    await asyncio.sleep(0)
    places.give("h", "a")
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await places.take("h", "c", SOON)


async def test_one_who_gave_up_before_is_passed_over():
    places = Places(1)
    assert await places.take("h", "a", SOON)
    gone = asyncio.create_task(places.take("h", "b", 5))
    waiting = asyncio.create_task(places.take("h", "c", 5))
    await asyncio.sleep(0)
    gone.cancel()
    places.give("h", "a")
    assert await waiting


async def test_nothing_is_remembered_of_who_is_gone():
    places = Places(8)
    for number in range(100):
        host = f"h{number}"
        assert await places.take(host, "a", SOON)
        places.give(host, "a")
    assert (places._of_host, places._of_participant, places._waiting) == ({}, {}, {})
