"""Deliveries over HTTP: what became of them, tried again or given up."""

from typing import Any

import httpx
import pytest

from bus import clock
from bus.delivery.attempts import Attempt
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.state import DeliveryState
from tests.a_bus import Bus
from tests.an_agency import AnAdapter, join
from tests.builders import WARGA, Document, a_document, a_grant

URL = "/v1/deliveries"


@pytest.fixture
async def office(bus: Bus) -> Bus:
    """A bus where bapenda and dinkes are granted the residents."""
    join(bus, AnAdapter())
    bus.apply(a_document(*map(a_grant, ("bapenda", "dinkes"))))
    return bus


@pytest.fixture
def http(office: Bus) -> httpx.AsyncClient:
    return office.reader("bapenda", "subscriptions.manage")


async def subscribed(http: httpx.AsyncClient) -> str:
    """The id of a new subscription."""
    order = {"contracts": [WARGA], "sink": {"url": "http://127.0.0.1:1027/hook"}}
    return str((await http.post("/v1/subscriptions", json=order)).json()["id"])


def owe(office: Bus, sub: str, states: dict[int, DeliveryState]) -> None:
    """Make deliveries at positions, and attempt those that shall be in another state than pending."""
    number, now = office.rooms.subscriptions.get(sub, None).number, clock.micros(clock.now())
    ledger = Ledger(office.rooms.storage)
    over = [an_attempt(number, at, state, now) for at, state in states.items() if state is not DeliveryState.PENDING]
    with office.rooms.storage.write() as transaction:
        ledger.add(transaction, [NewDelivery(number, position, None) for position in states], now, again=False)
        if over:
            ledger.record(transaction, over)


def an_attempt(number: int, position: int, state: DeliveryState, now: int) -> Attempt:
    failed = state is DeliveryState.DEAD
    return Attempt(
        subscription=number,
        position=position,
        key=None,
        lease=now,
        number=1,
        state=state,
        due_at=None,
        at=now,
        failure="permanent" if failed else None,
        status=400 if failed else 200,
        detail="the sink refuses this event" if failed else "",
        duration_ms=12,
    )


ONE_OF_EACH = dict(enumerate(DeliveryState, 1))


async def listed(http: httpx.AsyncClient, **query: Any) -> list[Document]:
    answer = await http.get(URL, params=query)
    assert answer.status_code == 200, answer.text
    deliveries: list[Document] = answer.json()["deliveries"]
    return deliveries


async def test_deliveries_are_listed_with_their_state(office: Bus, http: httpx.AsyncClient):
    sub = await subscribed(http)
    owe(office, sub, ONE_OF_EACH)
    found = await listed(http)
    assert [(one["id"], one["state"]) for one in found] == [
        (f"{sub}.1", "pending"),
        (f"{sub}.2", "delivered"),
        (f"{sub}.3", "dead"),
        (f"{sub}.4", "discarded"),
    ]


async def test_a_failed_attempt_is_told(office: Bus, http: httpx.AsyncClient):
    owe(office, await subscribed(http), {3: DeliveryState.DEAD})
    (found,) = await listed(http)
    (attempt,) = found["attempts"]
    assert (attempt["failure"], attempt["status"], attempt["duration_ms"]) == ("permanent", 400, 12)
    assert attempt["detail"] == "the sink refuses this event"
    assert (found["tries"], found["next_attempt"]) == (1, None)


@pytest.mark.parametrize("state", ["pending", "delivered", "dead", "discarded"])
async def test_a_list_of_one_state_holds_that_alone(office: Bus, http: httpx.AsyncClient, state: str):
    owe(office, await subscribed(http), ONE_OF_EACH)
    assert [one["state"] for one in await listed(http, state=state)] == [state]


async def test_a_list_of_one_subscription_holds_that_alone(office: Bus, http: httpx.AsyncClient):
    first, second = await subscribed(http), await subscribed(http)
    for sub in (first, second):
        owe(office, sub, ONE_OF_EACH)
    assert {one["subscription"] for one in await listed(http, subscription=second)} == {second}


async def test_an_unknown_state_is_refused(http: httpx.AsyncClient):
    assert (await http.get(URL, params={"state": "lost"})).status_code == 400


async def test_pages_go_through_all_subscriptions(office: Bus, http: httpx.AsyncClient):
    ids = [await subscribed(http) for _ in range(2)]
    for sub in ids:
        owe(office, sub, dict.fromkeys((5, 6, 9), DeliveryState.PENDING))
    seen: list[str] = []
    after = ""
    while after is not None:
        page = (await http.get(URL, params={"limit": 2, "after": after})).json()
        seen += [one["id"] for one in page["deliveries"]]
        after = page["next"]
    assert seen == [f"{sub}.{position}" for sub in ids for position in (5, 6, 9)]


@pytest.mark.parametrize("cursor", ["x", "MQ==", "MS54"])
async def test_a_made_up_cursor_is_refused(http: httpx.AsyncClient, cursor: str):
    assert (await http.get(URL, params={"after": cursor})).status_code == 400


async def test_a_dead_delivery_is_retried(office: Bus, http: httpx.AsyncClient):
    sub = await subscribed(http)
    owe(office, sub, {3: DeliveryState.DEAD})
    answer = await http.post(f"{URL}/{sub}.3/retry")
    assert (answer.status_code, answer.json()["state"], answer.json()["tries"]) == (202, "pending", 0)
    assert answer.json()["next_attempt"] is not None


async def test_a_dead_delivery_is_discarded(office: Bus, http: httpx.AsyncClient):
    sub = await subscribed(http)
    owe(office, sub, {3: DeliveryState.DEAD})
    answer = await http.post(f"{URL}/{sub}.3/discard")
    assert (answer.status_code, answer.json()["state"]) == (200, "discarded")


async def test_what_is_delivered_is_not_discarded(office: Bus, http: httpx.AsyncClient):
    sub = await subscribed(http)
    owe(office, sub, {3: DeliveryState.DELIVERED})
    assert (await http.post(f"{URL}/{sub}.3/discard")).status_code == 404
    assert [one["state"] for one in await listed(http)] == ["delivered"]


async def test_all_that_is_dead_is_redriven_at_once(office: Bus, http: httpx.AsyncClient):
    sub = await subscribed(http)
    owe(office, sub, {1: DeliveryState.DEAD, 2: DeliveryState.DEAD, 3: DeliveryState.DISCARDED})
    assert (await http.post(f"/v1/subscriptions/{sub}/redrive")).json() == {"redriven": 2, "hastened": 0}
    counts = (await http.get(f"/v1/subscriptions/{sub}")).json()["deliveries"]
    assert counts == {"pending": 2, "leased": 0, "delivered": 0, "dead": 0, "discarded": 1}


@pytest.mark.parametrize("verb", ["retry", "discard"])
async def test_somebody_elses_delivery_is_not_there(office: Bus, http: httpx.AsyncClient, verb: str):
    sub = await subscribed(http)
    owe(office, sub, {3: DeliveryState.DEAD})
    other = office.reader("dinkes", "subscriptions.manage")
    assert (await other.post(f"{URL}/{sub}.3/{verb}")).status_code == 404
    assert (await other.get(URL, params={"subscription": sub})).status_code == 404
    assert await listed(other) == []
    assert [one["state"] for one in await listed(http)] == ["dead"]


@pytest.mark.parametrize("verb", ["retry", "discard"])
async def test_an_id_of_no_delivery_is_not_there(office: Bus, http: httpx.AsyncClient, verb: str):
    sub = await subscribed(http)
    owe(office, sub, {3: DeliveryState.DEAD})
    for ending in ("", ".", ".x", ".99", ".-1", f".{10**30}", ".٣"):
        assert (await http.post(f"{URL}/{sub}{ending}/{verb}")).status_code == 404, ending


async def test_the_operator_sees_and_steers_everybodys(office: Bus, http: httpx.AsyncClient):
    sub = await subscribed(http)
    owe(office, sub, {3: DeliveryState.DEAD})
    operator = office.reader("operator", "subscriptions.manage", "admin")
    assert (await operator.post(f"{URL}/{sub}.3/retry")).status_code == 202
    assert [one["state"] for one in await listed(operator)] == ["pending"]
