"""Attacks through proxies: a client that pretends another address, or takes the requests of others."""

import asyncio
from ipaddress import ip_network

import pytest

from bus.http.publish import Receive, Scope, Send
from tests.a_bus import Bus
from tests.a_connection import HEALTH, Connection

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def who(scope: Scope, _: Receive, send: Send) -> None:
    """Answers with the client's address."""
    text = scope["client"][0].encode()
    fields = [(b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": text})


TRUSTED = (ip_network("127.0.0.2"), ip_network("10.0.0.0/8"))
SAID = {
    "X-Forwarded-For: 203.0.113.7": "203.0.113.7",
    "X-Forwarded-For: 198.51.100.1, 203.0.113.7": "203.0.113.7",
    "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.7": "203.0.113.7",
    "X-Forwarded-For: 203.0.113.7, 10.1.2.3": "203.0.113.7",
    "X-Forwarded-For: 203.0.113.7:4711": "203.0.113.7",
    "X-Forwarded-For: 2001:db8::1": "2001:db8::1",
    "X-Forwarded-For: ::ffff:203.0.113.7": "203.0.113.7",
    "X-Forwarded-For: 203.0.113.7, nonsense": "127.0.0.2",
    "X-Forwarded-For: nonsense, 10.1.2.3": "10.1.2.3",
    "Forwarded: for=203.0.113.7": "203.0.113.7",
    'Forwarded: for=198.51.100.1, for="203.0.113.7:4711";proto=https': "203.0.113.7",
    'Forwarded: proto=https;FOR="[2001:db8::1]:80"': "2001:db8::1",
    'Forwarded: by="for=198.51.100.1";for=203.0.113.7': "203.0.113.7",
    "Forwarded: for=203.0.113.7, for=_hidden": "127.0.0.2",
    "Forwarded: for=203.0.113.7\r\nX-Forwarded-For: 203.0.113.7": "203.0.113.7",
}


@pytest.mark.parametrize("said", SAID)
async def test_proxies_are_believed_if_the_operator_trusts_them_and_nobody_else(bus: Bus, said: str):
    request = f"GET / HTTP/1.1\r\nhost: bus\r\n{said}\r\n\r\n".encode()
    async with bus.opened(who, trusted_proxies=TRUSTED) as (address, _):
        assert (await (await Connection.to(address)).ask(request)).text == "127.0.0.1"
        assert (await (await Connection.to(address, "127.0.0.2")).ask(request)).text == SAID[said]


async def test_a_client_that_adds_the_field_its_proxy_does_not_write_is_refused(bus: Bus):
    said = b"x-forwarded-for: 203.0.113.7\r\nforwarded: for=198.51.100.1\r\n\r\n"
    async with bus.opened(who, trusted_proxies=TRUSTED) as (address, _):
        connection = await Connection.to(address, "127.0.0.2")
        assert (await connection.ask(HEALTH[:-2] + said)).status_code == 400


@pytest.mark.parametrize(
    "said",
    [
        'for=6.6.6.6;x=", for="[2001:db8:bad::1]"',
        'for=6.6.6.6;x="\r\nForwarded: for=203.0.113.7',
        'for=6.6.6.6;host="a.b:8080, for=203.0.113.7',
        'for=6.6.6.6;x="\\", for="203.0.113.7:80"',
        "for=6.6.6.6;for=203.0.113.7",
        "for=6.6.6.6 for=203.0.113.7",
        "for=",
        "nonsense",
    ],
)
async def test_a_client_cannot_swallow_what_its_proxy_adds(bus: Bus, said: str):
    request = f"GET / HTTP/1.1\r\nhost: bus\r\nForwarded: {said}\r\n\r\n".encode()
    async with bus.opened(who, trusted_proxies=TRUSTED) as (address, _):
        assert (await (await Connection.to(address, "127.0.0.2")).ask(request)).status_code == 400


async def test_one_client_behind_a_proxy_does_not_take_the_requests_of_others(bus: Bus):
    go_on = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/wait":
            await go_on.wait()
        await who(scope, receive, send)

    def asking(path: str, client: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nhost: bus\r\nx-forwarded-for: {client}\r\n\r\n".encode()

    async with bus.opened(waiting, trusted_proxies=TRUSTED, max_connections_per_address=2) as (address, _):
        connections = [await Connection.to(address, "127.0.0.2") for _ in range(6)]
        for connection in connections[:2]:
            await connection.say(asking("/wait", "203.0.113.7"))
        # This answer comes after both were begun.
        assert (await connections[5].ask(asking("/", "203.0.113.9"))).text == "203.0.113.9"
        refused = await connections[2].ask(asking("/", "203.0.113.7"))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert (await connections[3].ask(asking("/", "203.0.113.8"))).text == "203.0.113.8"
        go_on.set()
        assert (await connections[0].answer()).text == "203.0.113.7"
        assert (await connections[4].ask(asking("/", "203.0.113.7"))).text == "203.0.113.7"
