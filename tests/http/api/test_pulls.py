"""Pulling over HTTP: what is given to whom, and what comes again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.identity.keys import Keys
from bus.storage import Storage
from tests.a_bus import Bus
from tests.builders import a_person
from tests.http.api.a_puller import Puller, a_puller, an_office, another_client, positions

SOON = 20
"""Seconds to wait for what is due at once."""


@pytest.fixture
async def office(storage: Storage, bus_keys: Keys, tmp_path: Path) -> AsyncIterator[Bus]:
    async with an_office(storage, bus_keys, tmp_path, retry_attempts=2) as bus:
        yield bus


async def published(bus: Bus, *persons: int) -> list[int]:
    return await bus.publish_all([a_person(number) for number in persons])


async def filled(puller: Puller, count: int, **query: int) -> list[int]:
    """The positions of so many events, by as many pulls as that takes."""
    found: list[int] = []
    while len(found) < count:
        found += await puller.positions(wait=SOON, **query)
    return found


async def test_what_is_acknowledged_never_comes_again_and_the_rest_comes_when_its_lease_ends(office: Bus):
    puller = await a_puller(office)
    first, second, third = await published(office, 1, 2, 3)
    await filled_once(puller, 3)
    pulled = await puller.pull(wait=SOON, lease=1)
    assert positions(pulled) == [first, second, third]
    assert [one["tries"] for one in pulled["deliveries"]] == [1, 1, 1]
    assert await puller.settle("ack", deliveries=[puller.delivery(second)]) == ["acknowledged"]
    assert await puller.positions() == []
    again = await puller.pull(wait=SOON)
    assert positions(again) == [first, third]
    assert [one["tries"] for one in again["deliveries"]] == [2, 2]
    assert await puller.settle("ack", leases=[pulled["lease"], again["lease"]]) == ["ended", "acknowledged"]
    assert (await puller.read())["deliveries"] == {
        "pending": 0, "leased": 0, "delivered": 3, "dead": 0, "discarded": 0,
    }  # fmt: skip


async def filled_once(puller: Puller, count: int) -> None:
    """Wait until so many deliveries are pending."""
    async with asyncio.timeout(SOON):
        while (await puller.read())["deliveries"]["pending"] < count:
            await asyncio.sleep(0.02)
