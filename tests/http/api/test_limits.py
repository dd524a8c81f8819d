"""Limits over HTTP: what is told of them, each kind at its end, and how an operator changes them."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from bus import json
from bus.contracts.document import parse_contract
from bus.contracts.registrar import Registrar
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_grant, a_person, an_event

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FEED = f"/v1/feeds/{WARGA}"
EVENT = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
SINK = {"url": "https://8.8.8.8/webhooks"}
"""At a public address, to which nothing is sent: no worker runs here."""


@pytest.fixture
async def operator(bus: Bus) -> httpx.AsyncClient:
    """The operator's client of a bus with one contract."""
    bus.apply(a_document(a_grant("dinkes"), a_grant("bapenda")))
    bus.token("dinkes")
    bus.token("bapenda")
    bus.token(OWNER)
    return bus.reader("dinas-kominfo", "admin")


async def limit(operator: httpx.AsyncClient, participant: str, **limits: Any) -> None:
    answer = await operator.put(f"/v1/participants/{participant}/limits", json={"limits": limits})
    assert answer.status_code == 200, answer.text


async def publish(client: httpx.AsyncClient, number: int) -> httpx.Response:
    return await client.post("/v1/events", content=json.dumps(an_event(number)), headers={"content-type": EVENT})


def is_limited(answer: httpx.Response, limit: str) -> None:
    assert answer.status_code == 429, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["violated-policies"] == [limit]


async def test_an_operator_sees_and_changes_limits(operator: httpx.AsyncClient):
    path = "/v1/participants/bapenda/limits"
    before = (await operator.get(path)).json()
    assert before["limits"] == {}
    assert before["in_force"]["publish"] == "20000/10s"
    changed = (await operator.put(path, json={"limits": {"publish": "5/m", "drafts": 3}})).json()
    assert changed["limits"] == {"publish": "5/60s", "drafts": 3}
    assert changed["in_force"] == before["in_force"] | changed["limits"]
    assert (await operator.get(path)).json() == changed
    assert (await operator.put(path, json={"limits": {}})).json() == before


@pytest.mark.parametrize("limits", [{"speed": 1}, {"publish": "fast"}, {"drafts": -1}])
async def test_a_wrong_limit_is_refused(operator: httpx.AsyncClient, limits: dict[str, Any]):
    answer = await operator.put("/v1/participants/bapenda/limits", json={"limits": limits})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/limits/{next(iter(limits))}"


async def test_limits_are_the_operators_and_a_known_participants(bus: Bus, operator: httpx.AsyncClient):
    app = bus.reader("bapenda", "subscriptions.manage", "contracts.approve")
    for call in (app.get, lambda path: app.put(path, json={"limits": {}})):
        assert (await call("/v1/participants/bapenda/limits")).status_code == 403
    for path in ("/v1/participants/nobody/limits", "/v1/participants/%00/limits"):
        assert (await operator.get(path)).status_code == 404
        assert (await operator.put(path, json={"limits": {}})).status_code == 404


async def test_publishing_is_limited_and_what_was_acknowledged_is_there(bus: Bus, operator: httpx.AsyncClient):
    await limit(operator, OWNER, publish="3/1h")
    client = bus.reader(OWNER, "events.publish", "events.read")
    taken = [await publish(client, number) for number in range(3)]
    assert [answer.status_code for answer in taken] == [202] * 3
    assert [answer.headers["ratelimit"].split(";")[1] for answer in taken] == ["r=2", "r=1", "r=0"]
    assert taken[0].headers["ratelimit-policy"] == '"publish";q=3;w=3600'
    refused = await publish(client, 4)
    is_limited(refused, "publish")
    assert refused.headers["ratelimit"] == '"publish";r=0;t=3600'
    assert bus.rooms.journal.last_position() == taken[-1].json()["position"]
    other = bus.reader("bapenda", "events.read")
    assert (await other.get(FEED)).status_code == 200


async def test_both_ways_of_publishing_are_limited_over_a_connection(bus: Bus, operator: httpx.AsyncClient):
    await limit(operator, OWNER, publish="3/1h")
    async with bus.served() as address:
        client = bus.reader(OWNER, "events.publish", address=address)
        statuses = [(await publish(client, number)).status_code for number in range(5)]
    assert statuses == [202, 202, 202, 429, 429]


async def test_a_batch_counts_its_events(bus: Bus, operator: httpx.AsyncClient):
    await limit(operator, OWNER, publish="10/1h")
    client = bus.reader(OWNER, "events.publish")
    batch = json.dumps([an_event(number) for number in range(12)])
    answer = await client.post("/v1/events", content=batch, headers={"content-type": BATCH})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 12)
    is_limited(await publish(client, 100), "publish")


async def test_what_is_no_event_is_counted_too(bus: Bus, operator: httpx.AsyncClient):
    await limit(operator, OWNER, publish="2/1h")
    client = bus.reader(OWNER, "events.publish")
    for _ in range(2):
        answer = await client.post("/v1/events", content=b"{", headers={"content-type": EVENT})
        assert answer.status_code == 400
    is_limited(await publish(client, 1), "publish")


async def test_a_large_body_counts_as_several_events_also_when_it_comes_in_parts(bus: Bus, operator: httpx.AsyncClient):
    await limit(operator, OWNER, publish="100/1h")
    client = bus.reader(OWNER, "events.publish")

    async def parts(text: bytes) -> AsyncIterator[bytes]:
        yield text

    for number, content in enumerate((bytes, parts)):
        event = json.dumps(an_event(number) | {"data": a_person(nama="x" * 700_000)})
        answer = await client.post("/v1/events", content=content(event), headers={"content-type": EVENT})
        assert answer.status_code == 202
    # Twice one and 21 times 32 KiB; of a hundred, told in twentieths.
    assert answer.headers["ratelimit"].startswith('"publish";r=55;')


async def test_reading_is_limited_on_both_ways(bus: Bus, operator: httpx.AsyncClient):
    await bus.publish(a_person())
    await limit(operator, "dinkes", read="3/1h")
    client = bus.reader("dinkes", "events.read", "contracts.read")
    answers = [await client.get(FEED), await client.get(f"{FEED}?limit=1"), await client.get("/v1/contracts")]
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0"]
    is_limited(await client.get(FEED), "read")
    is_limited(await client.get("/v1/contracts"), "read")
    assert (await bus.reader("bapenda").get(FEED)).status_code == 200


async def test_changes_are_limited_but_for_who_may_change_limits(bus: Bus, operator: httpx.AsyncClient):
    client = bus.reader("bapenda", "contracts.write")
    for participant in ("bapenda", "dinas-kominfo"):
        await limit(operator, participant, manage="1/1h")
    assert (await client.post("/v1/contracts", content=b"x")).status_code == 422
    is_limited(await client.post("/v1/contracts", content=b"x"), "manage")
    await limit(operator, "bapenda")
    await limit(operator, "bapenda")
    assert (await client.post("/v1/contracts", content=b"x")).status_code == 422


async def test_subscriptions_are_limited_by_number(bus: Bus, operator: httpx.AsyncClient):
    await limit(operator, "bapenda", subscriptions=2)
    client = bus.reader("bapenda", "subscriptions.manage")
    order = {"contracts": [WARGA], "sink": SINK}
    answers = await asyncio.gather(*(client.post("/v1/subscriptions", json=order) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 429, 429, 429, 429]
    is_limited(next(answer for answer in answers if answer.status_code == 429), "subscriptions")
    made = next(answer for answer in answers if answer.status_code == 201).json()["id"]
    assert (await client.delete(f"/v1/subscriptions/{made}")).status_code == 204
    assert (await client.post("/v1/subscriptions", json=order)).status_code == 201
    dinkes = bus.reader("dinkes", "subscriptions.manage")
    assert (await dinkes.post("/v1/subscriptions", json=order)).status_code == 201


FILTERS: dict[str, list[Any]] = {
    "many tests": [{"any": [{"exact": {"type": str(number)}} for number in range(500)]}],
    "many names": [{"exact": {f"a{number}": "" for number in range(500)}}],
    "long texts": [{"exact": {"type": "x" * 20_000}}],
    "a deep tower": [{"not": {"all": [{"any": [{"exact": {"type": "x"}}] * 90}] * 3}}],
}


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS.keys())
async def test_large_filters_are_refused_at_admission(bus: Bus, operator: httpx.AsyncClient, filters: list[Any]):
    client = bus.reader("bapenda", "subscriptions.manage")
    order = {"contracts": [WARGA], "sink": SINK}
    made = (await client.post("/v1/subscriptions", json=order | {"filters": [{"exact": {"type": WARGA}}]})).json()["id"]
    for answer in (
        await client.post("/v1/subscriptions", json=order | {"filters": filters}),
        await client.patch(f"/v1/subscriptions/{made}", json={"filters": filters}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:bus:problem:filter-too-large")
        assert answer.json()["errors"][0]["pointer"] == "/filters"


async def test_large_rows_of_a_grant_are_refused(bus: Bus, operator: httpx.AsyncClient):
    rows = [{"any": [{"prefix": {"desa": f"d{number}"}} for number in range(50)]}] * 4
    document = a_document(a_grant("dinkes", rows=rows), contract="pajak.hal", owner="bapenda", producers=["bapenda"])
    answer = await bus.reader("bapenda", "contracts.write").post("/v1/contracts", content=json.dumps(document))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:bus:problem:filter-too-large")
    assert answer.json()["errors"][0]["pointer"] == "/consumers/0/rows"


async def test_tests_of_a_sink_are_limited(bus: Bus, operator: httpx.AsyncClient):
    await limit(operator, "bapenda", sink_tests="1/1h")
    client = bus.reader("bapenda", "subscriptions.manage")
    path = "/v1/subscriptions/sub_x/test"
    assert (await client.post(path)).status_code == 404
    is_limited(await client.post(path), "sink_tests")


async def test_drafts_are_limited_by_number_and_bytes(bus: Bus, operator: httpx.AsyncClient):
    await limit(operator, "bapenda", drafts=2)
    client = bus.reader("bapenda", "contracts.write")

    async def register(name: str, **changes: Any) -> httpx.Response:
        document = a_document(contract=f"pajak.{name}", owner="bapenda", producers=["bapenda"], **changes)
        return await client.post("/v1/contracts", content=json.dumps(document))

    assert [(await register(name)).status_code for name in ("satu", "dua")] == [201, 201]
    is_limited(await register("tiga"), "drafts")
    # To replace one that is there is no more of them.
    assert (await register("dua", title="Lain")).status_code == 201
    await limit(operator, "bapenda", contract_bytes=1000)
    is_limited(await register("tiga"), "contract_bytes")
    await limit(operator, "bapenda", contracts=2)
    is_limited(await register("tiga"), "contracts")


@pytest.fixture
def counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two requests count the registered versions, and wait for each other before one of them adds a version."""
    meeting, usual = threading.Barrier(2), Registrar.measure_holding

    def holding(*args: Any) -> Any:
        found = usual(*args)
        with suppress(threading.BrokenBarrierError):
            meeting.wait(0.5)
        return found

    monkeypatch.setattr(Registrar, "measure_holding", holding)


@pytest.mark.usefixtures("counted_together")
async def test_drafts_that_are_registered_at_once_are_not_too_many_together(bus: Bus, operator: httpx.AsyncClient):
    await limit(operator, "bapenda", drafts=1)
    client = bus.reader("bapenda", "contracts.write")

    async def register(name: str) -> int:
        document = a_document(contract=f"pajak.{name}", owner="bapenda", producers=["bapenda"])
        return (await client.post("/v1/contracts", content=json.dumps(document))).status_code

    assert sorted(await asyncio.gather(register("satu"), register("dua"))) == [201, 429]


@pytest.mark.usefixtures("counted_together")
async def test_drafts_that_are_replaced_at_once_are_not_too_large_together(bus: Bus, operator: httpx.AsyncClient):
    client = bus.reader("bapenda", "contracts.write")

    def document(name: str, **changes: Any) -> bytes:
        return json.dumps(a_document(contract=f"pajak.{name}", owner="bapenda", producers=["bapenda"], **changes))

    async def replace(name: str) -> int:
        path, larger = f"/v1/contracts/pajak.{name}/versions/1.0.0", document(name, title="x" * 100)
        return (await client.put(path, content=larger, headers={"if-match": "*"})).status_code

    for name in ("satu", "dua"):
        assert (await client.post("/v1/contracts", content=document(name))).status_code == 201
    both = bus.rooms.catalogue.registrar.measure_holding("bapenda", parse_contract(json.loads(document("tiga")))).bytes
    await limit(operator, "bapenda", contract_bytes=both + 120)
    assert sorted(await asyncio.gather(replace("satu"), replace("dua"))) == [200, 429]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_waiting_readers_are_limited_and_go_as_they_end(bus: Bus, operator: httpx.AsyncClient, accept: str):
    await limit(operator, "dinkes", waiting_readers=2)
    headers = {"accept": accept}
    async with bus.served() as address:
        client = bus.reader("dinkes", address=address)
        innocent = bus.reader("bapenda", address=address)
        waiting = [asyncio.create_task(client.get(f"{FEED}?wait=50", headers=headers)) for _ in range(2)]
        async with asyncio.timeout(20):
            while bus.rooms.limits.get("dinkes").waiting_readers < 2:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0.01)
        refused = await client.get(f"{FEED}?wait=1", headers=headers)
        is_limited(refused, "waiting_readers")
        assert (await innocent.get(FEED)).status_code == 200
        for task in waiting:
            task.cancel()
        async with asyncio.timeout(20):
            while (await client.get(f"{FEED}?wait=0.01")).status_code != 200:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0.01)


async def test_a_refusal_is_counted_by_limit_and_participant(bus: Bus, operator: httpx.AsyncClient):
    await limit(operator, "dinkes", read="1/1h")
    client = bus.reader("dinkes")
    for _ in range(3):
        await client.get(FEED)
    metrics = (await operator.get("/metrics")).text
    assert 'bus_limited_total{limit="read",participant="dinkes"}' in metrics
