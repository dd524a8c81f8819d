"""Pages by the short way: what it answers is what the routes answer, and what it leaves to them is the rest."""

import asyncio
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from bus.http.cursors import Listing, write_position
from bus.http.pages import Pages
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import WARGA, a_document, a_grant, a_person
from tests.http.a_feed import SEMBUNG

LONG = {"accept": "application/json;q=0.9"}
"""Leaves a request to the routes, which answer it as any other."""
FEED, RECORDS = f"/v1/feeds/{WARGA}", f"/v1/records/{WARGA}"
SECOND = write_position(Listing.FEED, WARGA, 2)


async def with_people(bus: Bus, *grants: dict[str, Any]) -> None:
    bus.apply(a_document(*grants))
    await bus.publish_all([a_person(number) for number in (1, 2, 1, 3)])
    await bus.publish(None, subject=a_person(2)["nik"])


async def short(
    bus: Bus, client: httpx.AsyncClient, path: str, query: str = "", **headers: str
) -> httpx.Response | None:
    """The answer of the short way to this client; None when it leaves the request to the routes."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    named = {"authorization": client.headers["authorization"], **headers}
    scope = {
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in named.items() if value],
    }
    if not await Pages(bus.rooms).answer(scope, send):
        assert not sent
        return None
    start, *bodies = sent
    assert [message.get("more_body", False) for message in bodies] == [True] * (len(bodies) - 1) + [False]
    return httpx.Response(
        start["status"], headers=start["headers"], content=b"".join(m.get("body", b"") for m in bodies)
    )


@pytest.mark.parametrize(
    "grant", [{}, {"fields": ["/nik", "/desa"]}, {"rows": SEMBUNG}], ids=["whole", "fields", "rows"]
)
@pytest.mark.parametrize("path", [FEED, RECORDS])
@pytest.mark.parametrize("query", ["", "limit=2", "limit=1000&wait=30", "wait=1&after=&limit=3", "limit=1&limit=2"])
async def test_a_page_is_the_same_both_ways(bus: Bus, grant: dict[str, Any], path: str, query: str):
    await with_people(bus, a_grant("dinkes", **grant))
    client = bus.reader("dinkes")

    expected = await client.get(f"{path}?{query}", headers=LONG)
    page = await short(bus, client, path, query)

    assert page is not None
    assert (page.status_code, page.content) == (200, expected.content)
    changing = ("ratelimit",)
    assert {k: v for k, v in page.headers.items() if k not in changing} == {
        k: v for k, v in expected.headers.items() if k not in changing
    }
    (found,) = await asyncio.to_thread(bus.rooms.disclosures.search, None, "dinkes", None, 10)
    assert found.times == 2


async def test_a_cursor_leads_on(bus: Bus):
    await with_people(bus, a_grant("dinkes"))
    client = bus.reader("dinkes")
    await client.get(FEED)

    page = await short(bus, client, FEED, f"after={SECOND}&limit=1", accept="application/json")

    assert page is not None
    assert [event["sequence"][-1] for event in page.json()["events"]] == ["3"]
    assert page.json()["next"] == write_position(Listing.FEED, WARGA, 3)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-1", "limit=a", "limit=", "limit=%31", "wait=61&limit=2000", "x=1", "after=%00", "after=a=",
     "after=ZZZ", "limit=1;wait=2", "&", f"after={SECOND}x", "limit=١"],
)  # fmt: skip
async def test_what_has_to_be_looked_at_closer_is_left_to_the_routes(bus: Bus, query: str):
    await with_people(bus, a_grant("dinkes"))
    client = bus.reader("dinkes")
    await client.get(FEED)

    assert await short(bus, client, FEED, query) is None


@pytest.mark.parametrize(
    "accept", ["text/event-stream", "text/csv", "application/x-ndjson", "application/json, text/csv"]
)
async def test_other_media_types_are_left_to_the_routes(bus: Bus, accept: str):
    await with_people(bus, a_grant("dinkes"))
    client = bus.reader("dinkes")
    await client.get(FEED)

    assert await short(bus, client, RECORDS, accept=accept) is None


@pytest.mark.parametrize(
    "path", [f"{RECORDS}/{a_person(1)['nik']}", "/v1/feeds/", "/v1/feeds/lain.hal", "/v1/queries/" + WARGA]
)
async def test_what_is_no_page_is_left_to_the_routes(bus: Bus, path: str):
    await with_people(bus, a_grant("dinkes"))
    client = bus.reader("dinkes")
    await client.get(FEED)

    assert await short(bus, client, path) is None


async def test_an_empty_page_is_left_to_who_can_wait(bus: Bus):
    await with_people(bus, a_grant("dinkes"))
    client = bus.reader("dinkes")
    await client.get(FEED)

    assert await short(bus, client, FEED, f"after={write_position(Listing.FEED, WARGA, 5)}&wait=1") is None


async def test_a_contract_of_events_has_no_records(bus: Bus):
    bus.apply(a_document(a_grant("dinkes"), kind="event", key=None))
    await bus.publish(a_person())
    client = bus.reader("dinkes")
    await client.get(FEED)

    assert await short(bus, client, RECORDS) is None
    assert await short(bus, client, FEED) is not None


async def test_nobody_gets_a_page_whom_the_routes_would_refuse(bus: Bus):
    await with_people(bus, a_grant("dinkes"))
    stranger, publisher, granted = bus.reader("dinsos"), bus.reader("dinkes", "events.publish"), bus.reader("dinkes")

    assert await short(bus, granted, FEED) is None, "its token was not verified before"
    for client in (stranger, publisher, granted):
        await client.get(FEED)
    assert await short(bus, stranger, FEED) is None
    assert await short(bus, publisher, FEED) is None
    assert await short(bus, granted, FEED, authorization="") is None
    assert await short(bus, granted, FEED) is not None
    bus.rooms.tokens.revoke(bus.rooms.tokens.verify(granted.headers["authorization"].encode()), OPERATOR)
    assert await short(bus, granted, FEED) is None


async def test_a_page_is_counted_as_one_of_the_route_is(bus: Bus):
    await with_people(bus, a_grant("dinkes"))
    client = bus.reader("dinkes")
    before = pages_counted()

    for headers in (LONG, {}):
        assert (await client.get(FEED, headers=headers)).status_code == 200

    assert pages_counted() == before + 2


def pages_counted() -> float:
    """How many pages of feeds the metrics know."""
    labels = {"method": "GET", "route": "/v1/feeds/{contract}", "status": "200"}
    return REGISTRY.get_sample_value("bus_http_requests_total", labels) or 0.0
