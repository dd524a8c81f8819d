"""Attacks by strangers: requests without a token, without end, take nobody else's time."""

import asyncio
from collections.abc import Iterator

import pytest

from bus.limits import Rate
from tests.a_bus import Bus
from tests.a_connection import Connection
from tests.attacks.a_crowd import a_get
from tests.attacks.beside import Attack, assert_innocent_goes_on
from tests.builders import OWNER, a_document
from tests.services.agreements import FACT
from tests.services.running import Bus as Running
from tests.services.running import a_bus as running_bus


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_address_that_asks_too_much_without_a_token_is_told_to_wait_and_no_other(bus: Bus):
    bus.apply(a_document())
    token = bus.token(OWNER, "contracts.read")
    await asyncio.to_thread(bus.rooms.tokens.verify, token.encode())
    async with bus.opened(anonymous_rate=Rate(1, 60)) as (address, _):
        assert (await (await Connection.to(address)).ask(a_get("/nowhere"))).status_code == 404
        refused = await Connection.to(address)
        answer = await refused.ask(a_get("/nowhere"))
        assert (answer.status_code, answer.headers["connection"]) == (429, "close")
        assert int(answer.headers["retry-after"]) > 1
        assert await refused.is_closed()
        known = await Connection.to(address)
        assert (await known.ask(a_get("/v1/contracts", token))).status_code == 200
        assert (await known.ask(a_get("/healthz"))).status_code == 200
        other = await Connection.to(address, "127.0.0.2")
        assert (await other.ask(a_get("/nowhere"))).status_code == 404


_FROM_ONE = ("127.0.0.1",)
_FROM_MANY = tuple(f"127.0.0.{number}" for number in range(2, 34))
_EVENT = {"content-type": "application/cloudevents+json"}
_FLOODS = {
    "pages that do not exist": Attack("/nowhere", sources=_FROM_MANY, at_once=64),
    "new connections from the innocent's address": Attack("/nowhere", sources=_FROM_ONE, at_once=64, reconnects=True),
    "health": Attack("/healthz", sources=_FROM_MANY, at_once=64),
    "garbage": Attack(garbage=b"GARBAGE\r\n\r\n", sources=_FROM_MANY, at_once=64, reconnects=True),
    "events without a token": Attack("/v1/events", b"{}" * 500, _EVENT, sources=_FROM_MANY, at_once=64),
    "pages without a token": Attack(f"/v1/feeds/{FACT}", sources=_FROM_MANY, at_once=64),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A bus in a process of its own, whose operator is elsewhere."""
    with running_bus(tmp_path_factory.mktemp("bus"), operator_networks="192.0.2.0/24") as bus:
        bus.start()
        yield bus


@pytest.mark.parametrize("name", _FLOODS)
def test_a_flood_by_strangers_holds_up_no_publisher(running: Running, name: str) -> None:
    assert_innocent_goes_on(running, _FLOODS[name])
