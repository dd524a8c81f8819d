"""JSON bodies of requests that change something: read as all JSON is, and refused with what to do."""

import httpx
import pytest

from tests.a_bus import Bus
from tests.builders import WARGA, a_document, a_grant

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The edge is the same on both databases."""

URL = "/v1/subscriptions"
ORDER = b'{"contracts": ["%b"], "sink": {"url": "https://8.8.8.8:1027/hook"}}' % WARGA.encode()


@pytest.fixture
def http(bus: Bus) -> httpx.AsyncClient:
    bus.apply(a_document(a_grant("bapenda")))
    return bus.reader("bapenda", "subscriptions.manage")


async def order(http: httpx.AsyncClient, text: bytes, media_type: str | None = "application/json") -> httpx.Response:
    fields = {} if media_type is None else {"content-type": media_type}
    return await http.post(URL, content=text, headers=fields)


@pytest.mark.parametrize(
    "media_type",
    [None, "application/json", "Application/JSON;charset=utf-8", "text/json", "application/vnd.lamongan+json; v=1"],
)
async def test_json_is_taken_by_each_of_its_names_and_without_one(http: httpx.AsyncClient, media_type: str | None):
    answer = await order(http, ORDER, media_type)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "media_type",
    ["application/x-www-form-urlencoded", "text/plain", "application/json, text/plain", "application/json;x"],
)
async def test_a_form_was_called_no_valid_dictionary(http: httpx.AsyncClient, media_type: str):
    answer = await order(http, ORDER, media_type)
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:bus:problem:content-not-json")
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (ORDER + b" x", "is not JSON: unexpected content"),
        (ORDER[:-1], "is not JSON: unexpected end"),
        (ORDER.decode().encode("utf-16"), "is not JSON"),
        (b"\xef\xbb\xbf" + ORDER, "byte order mark"),
        (b'{"contracts": ["\\ud83d"]}', "no low surrogate"),
        (b'{"contracts": NaN}', "is not JSON"),
        (b"[" * 100_000, "depth limit"),
    ],
)
async def test_what_is_no_json_was_told_with_an_offset_for_a_pointer(http: httpx.AsyncClient, text: bytes, detail: str):
    answer = await order(http, text)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:bus:problem:invalid-request")
    [error] = answer.json()["errors"]
    assert error["pointer"] == ""
    assert detail in error["detail"]


async def test_of_two_members_with_one_name_the_last_decided(http: httpx.AsyncClient):
    answer = await order(http, ORDER.replace(b'"url"', b'"url": "https://8.8.4.4:1027/lain", "url"'))
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"pointer": "/sink", "detail": "has a member twice"}]


async def test_a_number_that_json_does_not_hold_is_refused_with_its_place(http: httpx.AsyncClient):
    filters = b', "filters": [{"exact": {"loket": 18446744073709551617}}]}'
    answer = await order(http, ORDER[:-1] + filters)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/filters/0/exact/loket")


async def test_a_body_is_not_read_before_the_sender_is_known(http: httpx.AsyncClient):
    http.headers["authorization"] = "Bearer x"
    assert (await order(http, b"no JSON", "text/plain")).status_code == 401
