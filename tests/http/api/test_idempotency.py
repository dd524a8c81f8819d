"""`Idempotency-Key`: what is sent again makes nothing new."""

import asyncio
from typing import Any

import httpx
import pytest

from bus.idempotency import Claim
from tests.a_bus import Bus
from tests.builders import WARGA, Document, a_document, a_grant

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SUBSCRIPTIONS = "/v1/subscriptions"
CLIENTS = "/v1/participants/bapenda/clients"
KEY = {"idempotency-key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
ORDER: Document = {"contracts": [WARGA], "sink": {"url": "https://8.8.8.8/hook"}}
NEW_CLIENT: Document = {"scopes": ["events.read"]}
MAKING = [(SUBSCRIPTIONS, ORDER), (CLIENTS, NEW_CLIENT)]


@pytest.fixture
async def office(bus: Bus) -> Bus:
    """A bus that grants bapenda the residents, and allows sinks on this machine."""
    bus.apply(a_document(a_grant("bapenda")))
    return bus


@pytest.fixture
def http(office: Bus) -> httpx.AsyncClient:
    return office.reader("bapenda", "subscriptions.manage", "admin")


async def number(http: httpx.AsyncClient, path: str) -> int:
    listed = (await http.get(path)).json()
    return len(listed.get("subscriptions", listed.get("clients")))


@pytest.mark.parametrize(("path", "body"), MAKING)
async def test_the_same_request_gets_the_first_answer_and_makes_nothing(http: httpx.AsyncClient, path: str, body: Any):
    before = await number(http, path)
    first = await http.post(path, json=body, headers=KEY)
    again = await http.post(path, json=dict(reversed(body.items())), headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert {"secret", "client_secret"} & first.json().keys()
    for name in ("location", "cache-control", "content-type"):
        assert first.headers[name] == again.headers[name]
    assert await number(http, path) == before + 1


@pytest.mark.parametrize(("path", "body"), MAKING)
async def test_without_a_key_the_same_request_makes_another(http: httpx.AsyncClient, path: str, body: Any):
    before = await number(http, path)
    first, again = await http.post(path, json=body), await http.post(path, json=body)
    assert first.headers["location"] != again.headers["location"]
    assert await number(http, path) == before + 2


@pytest.mark.parametrize(("path", "body"), MAKING)
async def test_another_body_with_the_key_is_refused(http: httpx.AsyncClient, path: str, body: Any):
    await http.post(path, json=body, headers=KEY)
    other = {**body, "scopes": ["events.publish"]} if "scopes" in body else {**body, "ordered_by": "/nik"}
    refused = await http.post(path, json=other, headers=KEY)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:bus:problem:idempotency-key-reused")


async def test_a_key_of_another_operation_is_refused(http: httpx.AsyncClient):
    await http.post(SUBSCRIPTIONS, json=ORDER, headers=KEY)
    assert (await http.post(CLIENTS, json=NEW_CLIENT, headers=KEY)).status_code == 422


async def test_a_request_under_way_is_answered_409(office: Bus, http: httpx.AsyncClient):
    first = await asyncio.gather(*(http.post(SUBSCRIPTIONS, json=ORDER, headers=KEY) for _ in range(6)))
    assert {answer.status_code for answer in first} <= {201, 409}
    made = {answer.content for answer in first if answer.status_code == 201}
    assert len(made) == 1
    assert all(answer.headers["retry-after"] for answer in first if answer.status_code == 409)
    assert await number(http, SUBSCRIPTIONS) == 1


async def test_a_refused_request_may_be_sent_again_with_its_key(office: Bus, http: httpx.AsyncClient):
    refused = await http.post(SUBSCRIPTIONS, json=ORDER | {"contracts": ["tiada.ada"]}, headers=KEY)
    assert refused.status_code == 422
    assert (await http.post(SUBSCRIPTIONS, json=ORDER, headers=KEY)).status_code == 201


async def test_two_clients_may_choose_the_same_key(office: Bus, http: httpx.AsyncClient):
    other = office.reader("bapenda", "subscriptions.manage")
    first = await http.post(SUBSCRIPTIONS, json=ORDER, headers=KEY)
    assert (await other.post(SUBSCRIPTIONS, json=ORDER, headers=KEY)).json()["id"] != first.json()["id"]


async def test_a_key_in_quotes_and_without_is_one_key(http: httpx.AsyncClient):
    first = await http.post(SUBSCRIPTIONS, json=ORDER, headers=KEY)
    bare = {"idempotency-key": KEY["idempotency-key"].strip('"')}
    assert (await http.post(SUBSCRIPTIONS, json=ORDER, headers=bare)).content == first.content


@pytest.mark.parametrize("key", ["", '""', '"a', "a b", '"' + "a" * 256 + '"', "a, b", "kunci-é"])
async def test_a_malformed_key_is_refused(http: httpx.AsyncClient, key: str):
    refused = await http.post(SUBSCRIPTIONS, json=ORDER, headers={"idempotency-key": key.encode()})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/header/idempotency-key"


async def test_a_claim_that_is_lost_meanwhile_makes_no_subscription(
    office: Bus, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    answers = office.rooms.answers

    def lost(client: str, key: str, request: str) -> Claim:
        claim = Claim(client, key, request, "claim_lost")
        assert isinstance(type(answers).claim(answers, client, key, request), Claim)
        return claim

    monkeypatch.setattr(answers, "claim", lost)
    assert (await http.post(SUBSCRIPTIONS, json=ORDER, headers=KEY)).status_code == 409
    assert await number(http, SUBSCRIPTIONS) == 0
