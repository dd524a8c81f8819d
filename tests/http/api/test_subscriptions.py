"""Subscriptions over HTTP: who may order what, where to, and how an order is steered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from bus import clock
from bus.delivery.replays import go_live
from bus.delivery.subscription import Subscription
from tests.a_bus import Bus
from tests.an_agency import AGENCY, ASK, TAKE, AnAdapter, join
from tests.builders import WARGA, Document, a_document, a_grant, a_person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The edge is the same on both databases; their statements have tests of their own in the rooms."""

URL = "/v1/subscriptions"
HOOK = {"url": "http://127.0.0.1:1027/hook"}
PAST = "2020-12-31"
QUERY: Document = {
    "kind": "query",
    "key": None,
    "contract": "kependudukan.tanya",
    "schema": None,
    "request": {"type": "object", "properties": {"nik": {"type": "string"}}, "required": ["nik"]},
    "answer": {"type": "object"},
}


def an_order(**changes: Any) -> Document:
    order = {"contracts": [WARGA], "sink": HOOK} | changes
    return {name: value for name, value in order.items() if value is not None}


@pytest.fixture
async def office(bus: Bus) -> Bus:
    """A bus where bapenda, dinkes and an agency are granted the residents."""
    join(bus, AnAdapter())
    uses = [{"adapter": AGENCY, "operation": TAKE}]
    bus.apply(a_document(*map(a_grant, ("bapenda", "dinkes", AGENCY)), adapters=uses))
    return bus


@pytest.fixture
def http(office: Bus) -> httpx.AsyncClient:
    return office.reader("bapenda", "subscriptions.manage")


@pytest.fixture
def operator(office: Bus) -> httpx.AsyncClient:
    return office.reader("operator", "subscriptions.manage", "admin")


async def subscribed(http: httpx.AsyncClient, **changes: Any) -> Document:
    """A subscription that was made."""
    answer = await http.post(URL, json=an_order(**changes))
    assert answer.status_code == 201, answer.text
    made: Document = answer.json()
    return made


def stored(office: Bus, made: Document) -> Subscription:
    return office.rooms.subscriptions.get(made["id"], None)


def live(office: Bus, made: Document) -> None:
    """Let the subscription be taken up, as the relay does."""
    with office.rooms.storage.write() as transaction:
        go_live(transaction, stored(office, made).number, 0)


def wrong(answer: httpx.Response) -> tuple[int, list[str]]:
    """The status, and the pointers of what is wrong."""
    return answer.status_code, [error["pointer"] for error in answer.json().get("errors", ())]


async def test_a_new_subscription_has_an_id_and_a_secret(http: httpx.AsyncClient):
    answer = await http.post(URL, json=an_order())
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"{URL}/{made['id']}")
    assert answer.headers["cache-control"] == "no-store"
    assert made["secret"].startswith("whsec_")
    assert (made["participant"], made["state"], made["sink"]) == ("bapenda", "active", HOOK)


async def test_the_secret_is_shown_once(http: httpx.AsyncClient):
    made = await subscribed(http)
    one, all_of_them = await http.get(f"{URL}/{made['id']}"), await http.get(URL)
    assert "whsec_" not in one.text + all_of_them.text


async def test_a_subscription_tells_how_its_deliveries_stand(http: httpx.AsyncClient):
    made = await subscribed(http)
    read = (await http.get(f"{URL}/{made['id']}")).json()
    assert read["deliveries"] == {"pending": 0, "leased": 0, "delivered": 0, "dead": 0, "discarded": 0}


async def test_a_token_without_the_scope_is_not_enough(office: Bus):
    assert (await office.reader("bapenda", "events.read").post(URL, json=an_order())).status_code == 403


@pytest.mark.parametrize("names", [["lain"], [WARGA, "lain"]])
async def test_a_contract_that_is_not_in_force_is_refused(http: httpx.AsyncClient, names: list[str]):
    answer = await http.post(URL, json=an_order(contracts=names))
    assert wrong(answer) == (422, [f"/contracts/{names.index('lain')}"])


async def test_a_query_has_no_events(office: Bus, http: httpx.AsyncClient):
    office.apply(a_document(a_grant("bapenda"), **QUERY))
    assert wrong(await http.post(URL, json=an_order(contracts=[QUERY["contract"]]))) == (422, ["/contracts/0"])


async def test_without_a_grant_nothing_is_subscribed_to(office: Bus):
    answer = await office.reader("dinsos", "subscriptions.manage").post(URL, json=an_order())
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:bus:problem:not-granted")


async def test_a_grant_that_ended_is_not_enough(office: Bus, http: httpx.AsyncClient):
    office.apply(a_document(a_grant("bapenda", until=PAST), contract="kependudukan.lama"))
    answer = await http.post(URL, json=an_order(contracts=[WARGA, "kependudukan.lama"]))
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:bus:problem:grant-expired")


async def test_a_grant_in_an_older_version_in_force_is_enough(office: Bus, http: httpx.AsyncClient):
    office.apply(a_document(a_grant("dinkes"), version="2.0.0"))
    assert await subscribed(http)


@pytest.mark.parametrize("url", ["https://10.0.0.1/hook", "http://pajak.example/hook", "https://u:p@pajak.example/"])
async def test_a_forbidden_address_is_refused(http: httpx.AsyncClient, url: str):
    assert wrong(await http.post(URL, json=an_order(sink={"url": url}))) == (422, ["/sink/url"])


@pytest.mark.parametrize("sink", [{}, {"adapter": AGENCY}, HOOK | {"adapter": AGENCY, "operation": TAKE}])
async def test_a_sink_is_a_webhook_or_an_adapters_operation(http: httpx.AsyncClient, sink: Document):
    assert wrong(await http.post(URL, json=an_order(sink=sink))) == (400, ["/sink"])


@pytest.mark.parametrize(
    ("expression", "pointer"),
    [
        ({"like": {"type": "x"}}, "/filters/0"),
        ({"any": [{"exact": {"type": "x"}}, {"exact": {"type": 1.5}}]}, "/filters/0/any/1/exact/type"),
        ({"exact": {"data": "x"}}, "/filters/0/exact/data"),
        ({"not": {"prefix": {"/nik": "3524"}}}, "/filters/0/not/prefix/~1nik"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused(http: httpx.AsyncClient, expression: Document, pointer: str):
    assert wrong(await http.post(URL, json=an_order(filters=[expression]))) == (422, [pointer])


async def test_filters_over_attributes_and_extensions_are_taken(http: httpx.AsyncClient):
    filters = [{"all": [{"prefix": {"subject": "3524"}}, {"not": {"exact": {"kecamatan": "babat"}}}]}]
    assert (await subscribed(http, filters=filters))["filters"] == filters


@pytest.mark.parametrize("pointer", ["nik", "", "/umur", "/lahir/jam", "/*"])
async def test_nothing_is_ordered_by_what_the_data_lack(http: httpx.AsyncClient, pointer: str):
    assert wrong(await http.post(URL, json=an_order(ordered_by=pointer))) == (422, ["/ordered_by"])


async def test_an_order_by_a_field_is_taken(http: httpx.AsyncClient):
    assert (await subscribed(http, ordered_by="/lahir/tempat"))["ordered_by"] == "/lahir/tempat"


@pytest.mark.parametrize(("start", "after"), [(None, 3), ("beginning", 0), (0, 0), (2, 1), (9, 8)])
async def test_deliveries_begin_where_the_order_says(office: Bus, http: httpx.AsyncClient, start: object, after: int):
    await office.publish_all([a_person(number) for number in range(3)])
    assert stored(office, await subscribed(http, **{"from": start})).replay_position == after


@pytest.mark.parametrize("start", [-1, 1.5, True, "now", "2026-01-01T00:00:00Z", [], 2**63])
async def test_another_beginning_is_refused(http: httpx.AsyncClient, start: object):
    assert wrong(await http.post(URL, json=an_order(**{"from": start}))) == (400, ["/from"])


async def test_a_contract_named_twice_is_subscribed_to_once(http: httpx.AsyncClient):
    assert (await subscribed(http, contracts=[WARGA, WARGA]))["contracts"] == [WARGA]


async def test_nobody_subscribes_for_another(http: httpx.AsyncClient):
    answer = await http.post(URL, json=an_order(participant="dinkes"))
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:bus:problem:not-the-operator")


async def test_the_operator_subscribes_for_another(operator: httpx.AsyncClient):
    assert (await subscribed(operator, participant="dinkes"))["participant"] == "dinkes"


@pytest.mark.parametrize("operation", [ASK, "kirim"])
async def test_an_adapter_takes_only_what_it_delivers(operator: httpx.AsyncClient, operation: str):
    order = an_order(participant=AGENCY, sink={"adapter": AGENCY, "operation": operation})
    assert wrong(await operator.post(URL, json=order)) == (422, ["/sink/operation"])


async def test_an_adapter_that_is_not_set_up_is_refused(operator: httpx.AsyncClient):
    order = an_order(participant=AGENCY, sink={"adapter": "lain", "operation": TAKE})
    assert wrong(await operator.post(URL, json=order)) == (422, ["/sink/operation"])


async def test_an_adapter_is_subscribed_by_its_own_participant_alone(office: Bus, http: httpx.AsyncClient):
    sink = {"adapter": AGENCY, "operation": TAKE}
    assert (await http.post(URL, json=an_order(sink=sink))).status_code == 403
    own = office.reader(AGENCY, "subscriptions.manage")
    assert (await subscribed(own, sink=sink))["sink"] == sink


async def test_each_sees_its_own_and_the_operator_sees_all(
    office: Bus, http: httpx.AsyncClient, operator: httpx.AsyncClient
):
    mine = await subscribed(http)
    theirs = await subscribed(office.reader("dinkes", "subscriptions.manage"))
    seen = [[one["id"] for one in (await client.get(URL)).json()["subscriptions"]] for client in (http, operator)]
    assert seen == [[mine["id"]], [mine["id"], theirs["id"]]]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"filters": []}),
        ("DELETE", "", None),
        ("POST", "/pause", None),
        ("POST", "/resume", None),
        ("POST", "/replay", {"from": 1}),
        ("POST", "/redrive", None),
        ("POST", "/rotate-secret", None),
        ("POST", "/test", None),
    ],
)
async def test_somebody_elses_subscription_is_not_there(
    office: Bus, http: httpx.AsyncClient, method: str, path: str, body: Document | None
):
    made = await subscribed(http)
    other = office.reader("dinkes", "subscriptions.manage")
    answer = await other.request(method, f"{URL}/{made['id']}{path}", json=body)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:bus:problem:subscription-unknown")
    assert stored(office, made).secrets == (made["secret"],)


async def test_a_list_comes_in_pages(http: httpx.AsyncClient):
    made = [(await subscribed(http))["id"] for _ in range(3)]
    first = (await http.get(URL, params={"limit": 2})).json()
    second = (await http.get(URL, params={"limit": 2, "after": first["next"]})).json()
    assert [one["id"] for page in (first, second) for one in page["subscriptions"]] == made
    assert second["next"] is None


@pytest.mark.parametrize("cursor", ["x", "c3Vi", "MS4y"])
async def test_a_made_up_cursor_is_refused(http: httpx.AsyncClient, cursor: str):
    assert (await http.get(URL, params={"after": cursor})).status_code == 400


async def test_sink_and_filters_are_changed(http: httpx.AsyncClient):
    made = await subscribed(http)
    change = {"sink": {"url": "http://127.0.0.1:1028/neu"}, "filters": [{"exact": {"type": "x"}}]}
    answer = await http.patch(f"{URL}/{made['id']}", json=change)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in change} == change


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"sink": {"url": "http://pajak.example/"}}, 422, "/sink/url"),
        ({"filters": [{"exact": {"data": "x"}}]}, 422, "/filters/0/exact/data"),
        ({"contracts": [WARGA]}, 400, "/contracts"),
    ],
)
async def test_a_wrong_change_is_refused(http: httpx.AsyncClient, change: Document, status: int, pointer: str):
    made = await subscribed(http)
    assert wrong(await http.patch(f"{URL}/{made['id']}", json=change)) == (status, [pointer])
    assert (await http.get(f"{URL}/{made['id']}")).json()["sink"] == HOOK


async def test_a_deleted_subscription_is_gone(http: httpx.AsyncClient):
    made = await subscribed(http)
    assert (await http.delete(f"{URL}/{made['id']}")).status_code == 204
    assert (await http.get(f"{URL}/{made['id']}")).status_code == 404


async def test_a_subscription_is_paused_and_resumed(http: httpx.AsyncClient):
    made = await subscribed(http)
    states = [(await http.post(f"{URL}/{made['id']}/{verb}")).json()["state"] for verb in ("pause", "resume")]
    assert states == ["paused", "active"]


@pytest.mark.parametrize(("start", "after"), [("beginning", 0), (2, 1), (0, 0)])
async def test_a_replay_begins_at_a_position(office: Bus, http: httpx.AsyncClient, start: object, after: int):
    await office.publish_all([a_person(number) for number in range(3)])
    made = await subscribed(http)
    live(office, made)
    answer = await http.post(f"{URL}/{made['id']}/replay", json={"from": start})
    replayed = stored(office, made)
    assert (answer.status_code, answer.json()["catching_up"]) == (202, True)
    assert (replayed.replay_position, replayed.replay_until) == (after, 3)


async def test_a_replay_begins_at_a_time(office: Bus, http: httpx.AsyncClient):
    before = await office.publish(a_person(1))
    moment = clock.now()
    await office.publish(a_person(2))
    made = await subscribed(http)
    live(office, made)
    await http.post(f"{URL}/{made['id']}/replay", json={"from": moment.astimezone(clock.WIB).isoformat()})
    assert stored(office, made).replay_position == before


@pytest.mark.parametrize("start", [None, "gestern", "2026-01-01T00:00:00", -1])
async def test_a_replay_from_nowhere_is_refused(http: httpx.AsyncClient, start: object):
    made = await subscribed(http)
    assert wrong(await http.post(f"{URL}/{made['id']}/replay", json={"from": start})) == (400, ["/from"])


async def test_one_replay_at_a_time(office: Bus, http: httpx.AsyncClient):
    made = await subscribed(http)
    live(office, made)
    answers = [await http.post(f"{URL}/{made['id']}/replay", json={"from": 1}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 409]


async def test_a_rotated_secret_is_shown_once(office: Bus, http: httpx.AsyncClient):
    made = await subscribed(http)
    answer = await http.post(f"{URL}/{made['id']}/rotate-secret")
    assert answer.headers["cache-control"] == "no-store"
    assert stored(office, made).secrets == (answer.json()["secret"], made["secret"])


@asynccontextmanager
async def a_receiver(status: int = 204) -> AsyncIterator[tuple[Document, list[web.Request]]]:
    """A webhook on this machine, as a sink, and what it was sent; each request carries its body as `body`."""
    received: list[web.Request] = []

    async def take(request: web.Request) -> web.Response:
        request["body"] = await request.text()
        received.append(request)
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield {"url": f"http://127.0.0.1:{runner.addresses[0][1]}/hook"}, received
    finally:
        await runner.cleanup()


async def test_a_webhook_is_tried_out_with_a_signed_example(http: httpx.AsyncClient):
    async with a_receiver() as (sink, received):
        made = await subscribed(http, sink=sink)
        answer = (await http.post(f"{URL}/{made['id']}/test")).json()
    event = Webhook(made["secret"]).verify(received[0]["body"], dict(received[0].headers))
    assert (answer["delivered"], answer["status"], answer["detail"]) == (True, 204, "")
    assert (event["type"], event["data"]) == ("bus.test", {"subscription": made["id"]})
    assert received[0].content_type == "application/cloudevents+json"


async def test_with_a_list_of_hosts_a_webhook_elsewhere_is_neither_registered_nor_moved_nor_tried(office: Bus):
    async with a_receiver() as (sink, received), office.opened(sink_hosts=("bapenda.example",)) as (address, _):
        made = await subscribed(office.reader("bapenda", "subscriptions.manage"), sink=sink)
        elsewhere = office.reader("bapenda", "subscriptions.manage", address=address)
        assert wrong(await elsewhere.post(URL, json=an_order(sink=sink))) == (422, ["/sink/url"])
        moved = await elsewhere.patch(f"{URL}/{made['id']}", json={"sink": {"url": "https://dinkes.example/"}})
        assert wrong(moved) == (422, ["/sink/url"])
        tried = (await elsewhere.post(f"{URL}/{made['id']}/test")).json()
    assert (tried["delivered"], "BUS_SINK_HOSTS" in tried["detail"], received) == (False, True, [])


async def test_what_a_tried_webhook_says_is_told(http: httpx.AsyncClient):
    async with a_receiver(500) as (sink, _):
        made = await subscribed(http, sink=sink)
        answer = (await http.post(f"{URL}/{made['id']}/test")).json()
    assert (answer["delivered"], answer["status"]) == (False, 500)
    assert "500 Internal Server Error" in answer["detail"]


async def test_a_webhook_where_nobody_listens_is_told(http: httpx.AsyncClient):
    made = await subscribed(http)
    answer = (await http.post(f"{URL}/{made['id']}/test")).json()
    assert (answer["delivered"], answer["status"]) == (False, None)
    assert "connect" in answer["detail"]


async def test_an_agency_is_not_tried_out(operator: httpx.AsyncClient):
    made = await subscribed(operator, participant=AGENCY, sink={"adapter": AGENCY, "operation": TAKE})
    assert (await operator.post(f"{URL}/{made['id']}/test")).status_code == 409
