"""Attacks by strangers: requests without a token, without end, take nobody else's time."""

import asyncio
import time
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from joserfc.jwk import OKPKey

from bus.http.front_door import Acquaintances
from bus.http.front_door.strangers import Strangers
from bus.http.publish import Receive, Scope, Send
from bus.limits import Rate
from tests.a_bus import Bus
from tests.a_connection import Connection
from tests.an_actor import OPERATOR
from tests.attacks.a_crowd import a_get, a_post
from tests.attacks.a_live_bus import until
from tests.attacks.beside import Attack, assert_innocent_goes_on
from tests.attacks.test_logins import an_assertion
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


FORM = "application/x-www-form-urlencoded"


def a_login(secret: str, client_id: str, path: str = "/oauth/token", **more: str) -> bytes:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, **more}
    return a_post(path, urlencode(form).encode(), FORM)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_right_secret_and_its_token_wait_behind_no_strangers_and_all_else_does(bus: Bus):
    bus.apply(a_document())
    bus.token(OWNER)
    client, secret = bus.rooms.participants.add_client(OWNER, ["contracts.read"], by=OPERATOR)
    bus.rooms.tokens.refresh()
    client_id, basic = client.client_id, b64encode(f"{client.client_id}:{secret}".encode()).decode()
    right = a_login(secret, client_id)
    in_header = a_post("/oauth/token", b"grant_type=client_credentials", FORM, f"Basic {basic}")
    others = [
        a_login("guess", client_id),
        a_login(secret, "client_of_nobody"),
        a_post("/oauth/token", b"grant_type=client_credentials", FORM),
        a_login(secret, client_id, rest="x" * 4096),
        a_login(secret, client_id, path="/v1/events"),
    ]
    async with bus.opened(anonymous_rate=Rate(1, 60)) as (address, _):
        assert (await (await Connection.to(address)).ask(a_login("guess", client_id))).status_code == 401
        assert (await (await Connection.to(address)).ask(a_get("/nowhere"))).status_code == 404
        strangers = [await Connection.to(address) for _ in others]
        answers = await asyncio.gather(*(one.ask(text) for one, text in zip(strangers, others, strict=True)))
        assert {answer.status_code for answer in answers} == {429}
        for login in (right, in_header):
            office = await Connection.to(address)
            token = (await office.ask(login)).json()["access_token"]
            assert (await office.ask(a_get("/v1/contracts", f"Bearer {token}"))).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_client_with_a_key_waits_behind_no_strangers_if_it_shows_the_token_that_it_renews(bus: Bus):
    bus.token(OWNER)
    key = OKPKey.generate_key("Ed25519")
    keys = {"keys": [key.as_dict(private=False)]}
    client, _ = bus.rooms.participants.add_client(OWNER, ["contracts.read"], keys, by=OPERATOR)
    bus.rooms.tokens.refresh()
    old = f"Bearer {bus.rooms.tokens.issue(client, client.scopes, 60)}"

    def login(jti: str, authorization: str = "") -> bytes:
        return a_post("/oauth/token", urlencode(an_assertion(key, client.client_id, jti)).encode(), FORM, authorization)

    async with bus.opened(anonymous_rate=Rate(1, 60)) as (address, _):
        assert (await (await Connection.to(address)).ask(a_login("guess", client.client_id))).status_code == 401
        assert (await (await Connection.to(address)).ask(login("1"))).status_code == 429
        assert (await (await Connection.to(address)).ask(login("2", old))).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_many_addresses_that_ask_for_the_first_time_at_once_are_not_answered_at_once(bus: Bus):
    """Each of them is new, and has no pace of its own yet."""
    answered: list[float] = []

    async def app(_: Scope, __: Receive, send: Send) -> None:
        answered.append(time.monotonic())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async with bus.opened(app) as (address, _):
        crowd = [await Connection.to(address, f"127.0.{1 + number // 100}.{1 + number % 100}") for number in range(300)]
        for one in crowd:
            one.writer.write(a_get("/nowhere"))
        await until(lambda: len(answered) == len(crowd))
        for one in crowd:
            one.writer.close()
    # A slow machine takes longer, and none can take less.
    assert answered[-1] - answered[0] > 0.2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_address_with_many_requests_at_once_takes_no_turns_of_others(bus: Bus):
    strangers = Strangers(Rate(200, 4), (), Acquaintances(bus.rooms.tokens, bus.rooms.oauth, bus.rooms.staff.sessions))
    waits = [strangers.wait_of_garbage("192.0.2.1") for _ in range(100)]
    assert strangers.wait_of_garbage("192.0.2.2") < waits[10] < waits[-1]


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
