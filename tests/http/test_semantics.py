"""What HTTP asks of every endpoint alike (RFC 9110), over the whole edge."""

import asyncio
import re
from typing import Any, Final

import httpx
import pytest

from bus import json
from bus.identity.scopes import Scope
from tests import no_tls
from tests.a_bus import Bus
from tests.a_connection import Connection, a_publication
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person, an_event
from tests.http.a_feed import FEED, disclosed

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

RECORDS: Final = f"/v1/records/{WARGA}"
RECORD: Final = f"{RECORDS}/{a_nik(1)}"
CONTRACT: Final = f"/v1/contracts/{WARGA}"
_VARIES_BY_TIME: Final = {"date", "ratelimit", "content-length", "transfer-encoding"}
_TELLS_THE_TIME: Final = {"/metrics", "/v1/status", "/v1/doctor", "/readyz"}
"""Paths whose content is another at each moment, and with it its length."""
READABLE: Final = {
    "/v1/events/{position}": "/v1/events/1",
    "/v1/feeds/{contract}": FEED,
    "/v1/records/{contract}": RECORDS,
    "/v1/records/{contract}/{key}": RECORD,
    "/v1/contracts/{name}": CONTRACT,
    "/v1/contracts/{name}/access": f"{CONTRACT}/access",
    "/v1/contracts/{name}/asyncapi": f"{CONTRACT}/asyncapi",
    "/v1/contracts/{name}/odcs": f"{CONTRACT}/odcs",
    "/v1/domains/{domain}": "/v1/domains/kependudukan",
    "/v1/contracts/{name}/versions/{version}": f"{CONTRACT}/versions/1.0.0",
    "/v1/contracts/{name}/versions/{version}/schema": f"{CONTRACT}/versions/1.0.0/schema",
}
"""Paths that name something which is there."""


@pytest.fixture
async def reader(bus: Bus) -> httpx.AsyncClient:
    """A client with every scope and every grant."""
    bus.apply(a_document(a_grant(OWNER)))
    await bus.publish_all([a_person(number) for number in range(1, 31)])
    return bus.reader(OWNER, *Scope)


def paths(bus: Bus, method: str) -> list[str]:
    """A path of each endpoint with a method."""
    found = [template for one, template, _ in bus.edge.surface if one == method]
    return [READABLE.get(template) or re.sub(r"\{\w+\}", "dukcapil-lamongan", template) for template in found]


async def test_head_is_answered_as_get_without_content(bus: Bus, reader: httpx.AsyncClient) -> None:
    for path in paths(bus, "GET"):
        got, head = await reader.get(path), await reader.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        different = {name for name, value in got.headers.items() if head.headers.get(name) != value}
        assert different <= _VARIES_BY_TIME | {"content-encoding", "bus-next"}, path
        if "content-encoding" not in got.headers:
            lengths = (None, got.headers["content-length"])
            assert head.headers.get("content-length") in lengths or path in _TELLS_THE_TIME


@pytest.mark.parametrize("form", ["text/csv", "application/x-ndjson", "text/event-stream"])
async def test_head_of_a_stream_is_answered_at_once(bus: Bus, reader: httpx.AsyncClient, form: str) -> None:
    path = FEED if form == "text/event-stream" else RECORDS
    async with asyncio.timeout(5):
        head = await reader.head(path, headers={"accept": form})
    assert (head.status_code, head.headers["content-type"].split(";")[0]) == (200, form)


async def test_head_does_not_wait_and_discloses_nothing(bus: Bus) -> None:
    bus.apply(a_document(a_grant("dinkes")))
    reader = bus.reader("dinkes")
    async with asyncio.timeout(5):
        assert (await reader.head(FEED, params={"wait": 60})).status_code == 200
    await bus.publish(a_person(1))
    for path, form in ((FEED, "*/*"), (RECORDS, "*/*"), (RECORDS, "text/csv")):
        assert (await reader.head(path, headers={"accept": form})).status_code == 200
    assert await disclosed(bus) == []
    # It tells that the person's record is there.
    assert (await reader.head(RECORD)).status_code == 200
    assert len(await disclosed(bus)) == 1


async def test_head_is_refused_as_get_is(bus: Bus, reader: httpx.AsyncClient) -> None:
    stranger = bus.reader("dinsos")
    for client, path in (
        (stranger, FEED),
        (stranger, RECORDS),
        (stranger, RECORD),
        (reader, f"{FEED}?after=x"),
        (reader, f"{RECORDS}?limit=0"),
        (reader, "/v1/feeds/tidak.ada"),
    ):
        got, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert got.status_code >= 400


async def test_a_head_on_a_connection_is_followed_by_the_next_answer(bus: Bus, reader: httpx.AsyncClient) -> None:
    async with bus.served() as address, no_tls.AsyncClient(base_url=address, headers=reader.headers) as client:
        for path, form in ((FEED, "text/event-stream"), (RECORDS, "text/csv"), (RECORD, "*/*"), ("/healthz", "*/*")):
            assert (await client.head(path, headers={"accept": form})).status_code == 200
            assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_another_method_is_told_every_method_of_the_path(bus: Bus, reader: httpx.AsyncClient) -> None:
    for path, allowed in (
        ("/v1/events", "OPTIONS, POST"),
        ("/v1/contracts", "GET, HEAD, OPTIONS, POST"),
        (f"{CONTRACT}/versions/1.0.0", "GET, HEAD, OPTIONS, PUT"),
        ("/v1/contracts/check", "GET, HEAD, OPTIONS, POST"),
        ("/v1/subscriptions/sub_1", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/v1/participants/bapenda/clients/c", "DELETE, OPTIONS, PATCH"),
        (FEED, "GET, HEAD, OPTIONS"),
        ("/oauth/token", "OPTIONS, POST"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ):
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - set(allowed.split(", ")):
            answer = await reader.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed), (method, path)
            assert answer.headers["content-type"] == "application/problem+json"
        options = await reader.options(path)
        assert (options.status_code, options.headers["allow"], options.content) == (204, allowed, b"")


async def test_options_of_the_whole_server_was_not_found(bus: Bus) -> None:
    async with bus.served() as address:
        connection = await Connection.to(address)
        await connection.say(b"OPTIONS * HTTP/1.1\r\nhost: bus\r\n\r\n")
        head = await connection.reader.readuntil(b"\r\n\r\n")
        connection.writer.close()
    assert head.startswith(b"HTTP/1.1 204 ")
    assert b"allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n" in head


async def test_a_slash_at_the_end_is_no_redirect(bus: Bus, reader: httpx.AsyncClient) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        for path in paths(bus, method):
            answer = await reader.request(method, f"{path.removesuffix('/')}//")
            assert (answer.status_code, "location" in answer.headers) in ((404, False), (200, False)), path
    told = await reader.post("/oauth/token/")
    assert (told.status_code, told.json()["type"]) == (404, "urn:bus:problem:path-unknown")
    assert "/oauth/token," in told.json()["detail"]


async def test_the_host_of_a_request_is_repeated_nowhere(bus: Bus, reader: httpx.AsyncClient) -> None:
    async with (
        bus.served() as address,
        no_tls.AsyncClient(base_url=address, headers={**reader.headers, "host": "evil.example"}) as client,
    ):
        for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS"):
            for path in {*paths(bus, "GET"), *paths(bus, "POST"), "/nowhere", "/v1/contracts/", "/oauth/token/"}:
                if path != "/v1/subscriptions/dukcapil-lamongan/test":
                    answer = await client.request(method, path)
                    assert "evil" not in answer.text + str(answer.headers), (method, path)
                    assert answer.status_code not in range(300, 400), (method, path)


async def test_no_endpoint_takes_a_parameter_that_it_does_not_know(bus: Bus, reader: httpx.AsyncClient) -> None:
    asked = {(method, path) for method, path, _ in bus.edge.surface}
    assert len(asked) > 50
    for method in {method for method, _ in asked}:
        for path in paths(bus, method):
            for query in ("tidak_ada=1", "tidak_ada", "=1", "a%26b=1"):
                answer = await reader.request(method, f"{path}?{query}")
                assert (answer.status_code, answer.json()["type"]) == (400, "urn:bus:problem:parameters-wrong"), path


async def test_an_unknown_parameter_is_told_with_the_nearest_name(reader: httpx.AsyncClient) -> None:
    for query, pointer, near in (
        ("limt=3", "/query/limt", "limit"),
        ("Limit=3", "/query/Limit", "limit"),
        ("afters=x", "/query/afters", "after"),
        ("waiting=3", "/query/waiting", "wait"),
    ):
        answer = (await reader.get(f"{FEED}?{query}")).json()
        assert answer["errors"] == [{"pointer": pointer, "detail": f"does not exist here; do you mean {near}?"}]
        assert answer["detail"] == "This endpoint takes after, limit, wait."


async def test_a_single_parameter_comes_once(reader: httpx.AsyncClient) -> None:
    answer = await reader.get(f"{FEED}?limit=3&limit=5")
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        [{"pointer": "/query/limit", "detail": "comes twice; send it once"}],
    )


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("partial=true", 202),
        ("partial=false", 422),
        ("", 422),
        ("partial=ja", 400),
        ("partial=true&partial=true", 400),
        ("partials=true", 400),
        ("partial", 400),
    ],
)
async def test_publishing_takes_its_one_parameter_alone(bus: Bus, query: str, status: int) -> None:
    bus.apply(a_document())
    events = [an_event(1), an_event(2, type="tidak.ada")]
    fields = {"content-type": "application/cloudevents-batch+json"}
    client = bus.reader(OWNER, "events.publish")
    answer = await client.post(f"/v1/events?{query}", content=json.dumps(events), headers=fields)
    assert answer.status_code == status
    assert bus.rooms.journal.last_position() == (1 if status == 202 else 0)


async def test_an_endpoint_answers_406_to_who_takes_none_of_its_forms(bus: Bus, reader: httpx.AsyncClient) -> None:
    for method, path in [("GET", path) for path in paths(bus, "GET")] + [("POST", path) for path in paths(bus, "POST")]:
        answer = await reader.request(method, path, headers={"accept": "image/png, audio/*;q=0.5"})
        assert (answer.status_code, answer.headers["content-type"]) == (406, "application/problem+json"), path
        assert answer.json()["available"]


async def test_an_event_whose_receipt_nobody_takes_is_not_stored(bus: Bus) -> None:
    bus.apply(a_document())
    async with bus.served() as address:
        client = bus.reader(OWNER, "events.publish", address=address)
        for number, accept in enumerate(("text/html", "application/json;q=0", "image/*")):
            for _ in range(2):
                answer = await client.post("/v1/events", **publication(number, accept=accept))
                assert (answer.status_code, answer.json()["available"]) == (406, ["application/json"])
        assert bus.rooms.journal.last_position() == 0
        for number, accept in enumerate(("*/*", "application/*", "text/html, application/json;q=0.1")):
            answer = await client.post("/v1/events", **publication(number, accept=accept))
            assert answer.status_code == 202


async def test_what_is_removed_has_no_form_to_disagree_about(bus: Bus, reader: httpx.AsyncClient) -> None:
    made = await reader.post(f"/v1/participants/{OWNER}/clients", json={"scopes": ["events.read"]})
    path = f"/v1/participants/{OWNER}/clients/{made.json()['client_id']}"
    assert (await reader.delete(path, headers={"accept": "image/png"})).status_code == 204


async def test_the_form_follows_the_weights(reader: httpx.AsyncClient) -> None:
    for path, accept, form in (
        (RECORDS, "text/csv;q=0.1, application/json", "application/json"),
        (RECORDS, "text/csv, application/json;q=0.9", "text/csv; charset=utf-8"),
        (RECORDS, "application/json;q=0, application/*", "application/x-ndjson"),
        (RECORD, "application/json", "application/json"),
        (RECORD, "*/*", "application/cloudevents+json"),
        (f"{CONTRACT}/versions/1.0.0/schema", "application/json", "application/json"),
        (f"{CONTRACT}/asyncapi", "application/json;q=0.5, application/yaml", "application/yaml"),
        ("/", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
    ):
        answer = await reader.get(path, headers={"accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, form), (path, accept)


async def test_an_answer_says_by_what_it_was_chosen(reader: httpx.AsyncClient) -> None:
    assert (await reader.get(RECORDS)).headers["vary"] == "Accept, Accept-Encoding"
    assert (await reader.get("/v1/contracts")).headers["vary"] == "Accept-Encoding"
    schema = await reader.get(f"{CONTRACT}/versions/1.0.0/schema")
    assert set(schema.headers["vary"].split(", ")) == {"Accept", "Accept-Encoding", "Authorization"}


async def test_a_header_in_two_lines_is_one_list(bus: Bus, reader: httpx.AsyncClient) -> None:
    async with bus.served() as address:
        connection = await Connection.to(address)
        head = f"GET {RECORD} HTTP/1.1\r\nhost: bus\r\nauthorization: {reader.headers['authorization']}\r\n"
        answer = await connection.ask(f"{head}accept: text/html\r\naccept: application/json\r\n\r\n".encode())
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        token = bus.token(OWNER, "events.publish")
        lines = {"accept": "application/json\r\naccept: text/html"}
        assert (await connection.ask(a_publication(token, 1, **lines))).status_code == 202
        lines = {"content_encoding": "gzip\r\ncontent-encoding: gzip"}
        assert (await connection.ask(a_publication(token, 2, **lines))).status_code == 415


def publication(number: int, **fields: str) -> dict[str, Any]:
    return {
        "content": json.dumps(an_event(number + 1)),
        "headers": {"content-type": "application/cloudevents+json", **fields},
    }
