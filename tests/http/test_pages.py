"""Pages of feeds and records: one callable answers each list in every form, with one reading of its parameters."""

import asyncio
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from bus.disclosures import Wanted
from bus.http.cursors import Listing, write_position
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import WARGA, a_document, a_grant, a_person
from tests.http.a_feed import SEMBUNG

FEED, RECORDS = f"/v1/feeds/{WARGA}", f"/v1/records/{WARGA}"
SECOND = write_position(Listing.FEED, WARGA, 2)
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Where the answer does not depend on the database."""


async def with_people(bus: Bus, *grants: dict[str, Any]) -> None:
    bus.apply(a_document(*grants))
    await bus.publish_all([a_person(number) for number in (1, 2, 1, 3)])
    await bus.publish(None, subject=a_person(2)["nik"])


def names(answer: httpx.Response) -> list[str]:
    """The last digits of the events' positions."""
    page = answer.json()
    return [event["sequence"][-1] for event in page.get("events", page.get("records"))]


@pytest.mark.parametrize(
    "grant", [{}, {"fields": ["/nik", "/desa"]}, {"rows": SEMBUNG}], ids=["whole", "fields", "rows"]
)
@pytest.mark.parametrize(("path", "found"), [(FEED, "12345"), (RECORDS, "345")])
@pytest.mark.parametrize(
    ("query", "limit"),
    [("", 5), ("limit=2", 2), ("limit=1000&after=", 5), ("after=&limit=3", 3)],
)
async def test_a_page_holds_what_its_parameters_ask_for(
    bus: Bus, grant: dict[str, Any], path: str, found: str, query: str, limit: int
):
    await with_people(bus, a_grant("dinkes", **grant))

    answer = await bus.reader("dinkes").get(f"{path}?{query}", headers={"accept-encoding": "identity"})

    assert names(answer) == list(found)[:limit]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert "ratelimit" in answer.headers
    (disclosure,) = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(participant="dinkes"), None, 10)
    assert len(disclosure.positions) == min(limit, len(found))


async def test_a_cursor_leads_on(bus: Bus):
    await with_people(bus, a_grant("dinkes"))
    answer = await bus.reader("dinkes").get(FEED, params={"after": SECOND, "limit": 1})
    assert names(answer) == ["3"]
    assert answer.json()["next"] == write_position(Listing.FEED, WARGA, 3)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("limit=0", "limit"), ("limit=1001", "limit"), ("limit=-1", "limit"), ("limit=a", "limit"), ("limit=", "limit"),
     ("wait=61", "wait"), ("wait=nan", "wait"), ("wait=inf", "wait"), ("after=%00", "after"), ("after=a=", "after"),
     ("after=ZZZ", "after"), ("after=%ff", "after"), (f"after={SECOND}x", "after"), ("limit=1;wait=2", "limit")],
)  # fmt: skip
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@only_sqlite
async def test_a_wrong_parameter_is_refused_by_its_name_in_every_form(bus: Bus, query: str, pointer: str, accept: str):
    await with_people(bus, a_grant("dinkes"))
    answer = await bus.reader("dinkes").get(f"{FEED}?{query}", headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/query/{pointer}"]


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/x-ndjson"])
@pytest.mark.parametrize("query", ["limit=0", "after=ZZZ"])
@only_sqlite
async def test_a_wrong_parameter_of_records_is_refused_in_every_form(bus: Bus, query: str, accept: str):
    await with_people(bus, a_grant("dinkes"))
    answer = await bus.reader("dinkes").get(f"{RECORDS}?{query}", headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@only_sqlite
async def test_only_feeds_and_records_wait(bus: Bus):
    await with_people(bus, a_grant("dinkes"))
    reader = bus.reader("dinkes")
    assert names(await reader.get(f"{FEED}?wait=1&limit=1")) == ["1"]
    assert (await reader.get("/v1/grants?wait=1")).status_code == 400


@pytest.mark.parametrize("path", [FEED, RECORDS, f"{RECORDS}/{a_person(1)['nik']}"])
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
@only_sqlite
async def test_readers_only_get_and_nothing_is_disclosed_to_another_method(bus: Bus, path: str, method: str):
    await with_people(bus, a_grant("dinkes"))
    answer = await bus.reader("dinkes").request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(participant="dinkes"), None, 10) == []


@pytest.mark.parametrize("path", ["/v1/feeds", "/v1/feeds/", f"{FEED}/", f"{FEED}/1", "/v1/records/"])
@only_sqlite
async def test_a_path_that_is_no_list_is_not_found_and_redirects_nobody(bus: Bus, path: str):
    await with_people(bus, a_grant("dinkes"))
    answer = await bus.reader("dinkes").get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_nobody_gets_a_page_without_a_token_that_still_holds(bus: Bus):
    await with_people(bus, a_grant("dinkes"))
    publisher, granted = bus.reader("dinkes", "events.publish"), bus.reader("dinkes")
    assert (await granted.get(FEED)).status_code == 200
    assert (await granted.get(FEED, headers={"authorization": ""})).status_code == 401
    assert (await publisher.get(FEED)).status_code == 403
    bus.rooms.tokens.revoke(bus.rooms.tokens.verify(granted.headers["authorization"].encode()), OPERATOR)
    assert (await granted.get(FEED)).status_code == 401


@pytest.mark.parametrize(
    ("path", "route"),
    [
        (FEED, "/v1/feeds/{contract}"),
        (RECORDS, "/v1/records/{contract}"),
        (f"{RECORDS}/{a_person(1)['nik']}", "/v1/records/{contract}/{key:path}"),
    ],
)
async def test_a_request_is_counted_by_its_route_and_not_by_a_persons_key(bus: Bus, path: str, route: str):
    await with_people(bus, a_grant("dinkes"))
    client = bus.reader("dinkes")
    before = counted(route)
    assert (await client.get(path)).status_code == 200
    assert counted(route) == before + 1


def counted(route: str) -> float:
    """How many answers of a route the metrics know."""
    labels = {"method": "GET", "route": route, "status": "200"}
    return REGISTRY.get_sample_value("bus_http_requests_total", labels) or 0.0


@only_sqlite
async def test_the_document_says_each_limit_that_the_bus_keeps(bus: Bus):
    document = (await bus.reader("dinkes").get("/openapi.json")).json()
    parameters = document["paths"]["/v1/feeds/{contract}"]["get"]["parameters"]
    assert [(one["name"], one["in"]) for one in parameters] == [
        ("contract", "path"),
        ("after", "query"),
        ("limit", "query"),
        ("wait", "query"),
        ("last-event-id", "header"),
    ]
    bounds = {one["name"]: (one["schema"].get("minimum"), one["schema"].get("maximum")) for one in parameters}
    assert (bounds["limit"], bounds["wait"]) == ((1, 1000), (0, 60))
    (answers,) = {
        path: one["get"]["responses"] for path, one in document["paths"].items() if path.startswith("/v1/feeds")
    }.values()
    assert set(answers["200"]["content"]) == {"application/json", "text/event-stream"}
