"""ETags of subscriptions: two administrators do not overwrite each other, and what is known is not sent again."""

import httpx
import pytest

from bus.delivery.replays import go_live
from tests.a_bus import Bus
from tests.builders import WARGA, Document, a_document, a_grant, a_person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HOOK = {"url": "https://8.8.8.8/hook"}
OTHER = {"sink": {"url": "https://8.8.8.8/hook-2"}}


@pytest.fixture
async def http(bus: Bus) -> httpx.AsyncClient:
    """A client of a bus that grants bapenda the residents."""
    bus.apply(a_document(a_grant("bapenda")))
    return bus.reader("bapenda", "subscriptions.manage")


@pytest.fixture
async def path(http: httpx.AsyncClient) -> str:
    """The path of a subscription."""
    made: Document = (await http.post("/v1/subscriptions", json={"contracts": [WARGA], "sink": HOOK})).json()
    return f"/v1/subscriptions/{made['id']}"


async def tag(http: httpx.AsyncClient, path: str) -> str:
    return (await http.get(path)).headers["etag"]


async def test_what_is_known_is_not_sent_again(http: httpx.AsyncClient, path: str):
    etag = await tag(http, path)
    known = await http.get(path, headers={"if-none-match": f'"x", {etag}'})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", etag)
    assert (await http.get(path, headers={"if-none-match": '"x"'})).status_code == 200


async def test_a_change_gives_another_tag_and_the_old_one_no_longer_holds(http: httpx.AsyncClient, path: str):
    first = await tag(http, path)
    changed = await http.patch(path, json=OTHER, headers={"if-match": first})
    assert changed.status_code == 200
    assert changed.headers["etag"] == await tag(http, path) != first
    refused = await http.patch(path, json={"sink": HOOK}, headers={"if-match": first})
    assert (refused.status_code, refused.json()["type"]) == (412, "urn:bus:problem:subscription-changed")
    assert (await http.get(path)).json()["sink"] == OTHER["sink"]


async def test_a_paused_subscription_has_another_tag(http: httpx.AsyncClient, path: str):
    first = await tag(http, path)
    await http.post(f"{path}/pause")
    assert (await http.patch(path, json=OTHER, headers={"if-match": first})).status_code == 412


async def test_a_subscription_that_somebody_changed_is_not_deleted(http: httpx.AsyncClient, path: str):
    first = await tag(http, path)
    await http.patch(path, json=OTHER)
    assert (await http.delete(path, headers={"if-match": first})).status_code == 412
    assert (await http.delete(path, headers={"if-match": await tag(http, path)})).status_code == 204


async def test_a_change_of_nothing_still_asks_for_the_tag(http: httpx.AsyncClient, path: str):
    assert (await http.patch(path, json={}, headers={"if-match": '"x"'})).status_code == 412
    assert (await http.patch(path, json={}, headers={"if-match": "*"})).status_code == 200


@pytest.mark.parametrize("tags", ["", ",", '"x",, "y"', 'W/"x"'])
async def test_tags_that_name_nothing_match_nothing(http: httpx.AsyncClient, path: str, tags: str):
    assert (await http.patch(path, json=OTHER, headers={"if-match": tags})).status_code == 412


async def test_a_weak_tag_never_matches_a_change(http: httpx.AsyncClient, path: str):
    etag = await tag(http, path)
    assert (await http.patch(path, json=OTHER, headers={"if-match": f"W/{etag}"})).status_code == 412


@pytest.mark.parametrize("tags", ["x", '"x" "y"', '"x', "*, *"])
async def test_what_is_no_list_of_tags_is_malformed(http: httpx.AsyncClient, path: str, tags: str):
    assert (await http.patch(path, json=OTHER, headers={"if-match": tags})).status_code == 400


async def test_deliveries_give_another_answer_and_hinder_no_change(bus: Bus, http: httpx.AsyncClient, path: str):
    first = await tag(http, path)
    number = bus.rooms.subscriptions.get(path.rpartition("/")[2], None).number
    await bus.publish(a_person())
    with bus.rooms.storage.write() as transaction:
        go_live(transaction, number, 0)
    bus.rooms.subscriptions.refresh()
    assert await tag(http, path) != first
    assert (await http.get(path, headers={"if-none-match": first})).status_code == 200
    assert (await http.patch(path, json=OTHER, headers={"if-match": first})).status_code == 200
