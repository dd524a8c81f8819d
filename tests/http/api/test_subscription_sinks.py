"""Sinks of subscriptions over HTTP: their addresses, their secrets, and what becomes of one that wants no more."""

import httpx
import pytest

from bus.delivery.signing_secrets import MOST_SECRETS
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import WARGA, Document, a_document, a_grant

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The edge is the same on both databases; their statements have tests of their own in the rooms."""

URL = "/v1/subscriptions"
HOOK = "https://8.8.8.8:1027/hook"


@pytest.fixture
async def office(bus: Bus) -> Bus:
    """A bus where bapenda is granted the residents."""
    bus.apply(a_document(a_grant("bapenda")))
    return bus


@pytest.fixture
def http(office: Bus) -> httpx.AsyncClient:
    return office.reader("bapenda", "subscriptions.manage")


async def subscribed(http: httpx.AsyncClient, url: str = HOOK) -> Document:
    """A subscription that was made."""
    answer = await http.post(URL, json={"contracts": [WARGA], "sink": {"url": url}})
    assert answer.status_code == 201, answer.text
    made: Document = answer.json()
    return made


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/webhook", "https://10.0.0.7/webhook", "http://localhost:9000"])
async def test_a_local_sink_is_refused_with_what_a_developer_does(http: httpx.AsyncClient, url: str):
    answer = await http.post(URL, json={"contracts": [WARGA], "sink": {"url": url}})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/sink/url"
    assert "BUS_SINK_NETWORKS" in error["detail"]
    assert "bus dev" in error["detail"]


async def test_secrets_beyond_the_bound_are_refused_with_what_to_do(http: httpx.AsyncClient):
    made = await subscribed(http)
    answers = [await http.post(f"{URL}/{made['id']}/rotate-secret") for _ in range(MOST_SECRETS)]
    assert [answer.status_code for answer in answers] == [200] * (MOST_SECRETS - 1) + [409]
    assert answers[-1].json()["type"] == "urn:bus:problem:too-many-secrets"
    assert "the next one ends at" in answers[-1].json()["detail"]


async def test_a_disabled_subscription_says_why_and_how_to_enable_it(office: Bus, http: httpx.AsyncClient):
    made = await subscribed(http)
    assert (made["state"], made["state_reason"]) == ("active", None)
    office.rooms.subscriptions.disable(office.rooms.subscriptions.get(made["id"], None), OPERATOR)
    read = (await http.get(f"{URL}/{made['id']}")).json()
    assert read["state"] == "disabled"
    assert "410 Gone; resume" in read["state_reason"]
    resumed = (await http.post(f"{URL}/{made['id']}/resume")).json()
    assert (resumed["state"], resumed["state_reason"]) == ("active", None)


async def test_another_sink_enables_a_disabled_subscription(office: Bus, http: httpx.AsyncClient):
    made = await subscribed(http)
    office.rooms.subscriptions.disable(office.rooms.subscriptions.get(made["id"], None), OPERATOR)
    changed = await http.patch(f"{URL}/{made['id']}", json={"sink": {"url": "https://8.8.8.8:1028/hook"}})
    assert (changed.status_code, changed.json()["state"]) == (200, "active")


async def test_an_address_with_its_scheme_in_capitals_made_a_subscription_that_nobody_was_told_of(
    http: httpx.AsyncClient,
):
    made = await subscribed(http, "HTTPS://8.8.8.8:1027/hook")
    assert (made["sink"], made["secret"][:6]) == ({"url": "HTTPS://8.8.8.8:1027/hook"}, "whsec_")


@pytest.mark.parametrize("path", ["/warga/\u00e9", "/{id}", "/100%", "/a?b=<c>", '/a?b="c"', "/a|b", "/a^b"])
async def test_a_path_or_query_that_no_url_has_is_refused(http: httpx.AsyncClient, path: str):
    refused = await http.post(URL, json={"contracts": [WARGA], "sink": {"url": f"https://8.8.8.8:1027{path}"}})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/sink/url"]


async def test_an_address_is_kept_byte_for_byte(http: httpx.AsyncClient):
    url = "https://8.8.8.8:1027/a%2fb/../c?sp=%2Frun&sig=a%2FX%3D&d=+&ids[]=1&e?"
    assert (await subscribed(http, url))["sink"] == {"url": url}
