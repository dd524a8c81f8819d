"""Feeds over HTTP: every event once and in order, through the caller's view, with its disclosure, waited for or streamed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bus import json
from bus.http.cursors import Listing, write_position
from bus.identity.keys import Keys
from bus.journal.lines import MOST_BYTES
from bus.process import Wakeups, make_rooms
from bus.settings import load_settings
from bus.storage import open_storage
from tests import no_tls
from tests.a_bus import ADDRESS, Bus
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person
from tests.http.a_feed import FEED, SEMBUNG, disclosed, positions, read, read_to_the_end
from tests.services.waiting import until


async def test_events_come_in_order_with_their_position(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    sent = await bus.publish_all([a_person(1), a_person(2)])
    page = await read(bus.reader("dinkes"))
    assert positions(page["events"]) == sent
    assert [event["data"] for event in page["events"]] == [a_person(1), a_person(2)]
    assert page["events"][0]["recordedtime"].endswith("Z")


async def test_pages_follow_each_other(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    sent = await bus.publish_all([a_person(n) for n in range(7)])
    assert positions(await read_to_the_end(bus.reader("dinkes"), limit=3)) == sent


async def test_an_empty_page_has_a_cursor_for_later(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")), a_document(contract="lain.hal"))
    await bus.publish(a_person(), type="lain.hal")
    client = bus.reader("dinkes")
    empty = await read(client)
    assert empty["events"] == []
    position = await bus.publish(a_person())
    assert positions((await read(client, after=empty["next"]))["events"]) == [position]


async def test_a_feed_read_from_now_gives_nothing_older(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    client = bus.reader("dinkes")
    now = await read(client, after="now")
    assert now["events"] == []
    position = await bus.publish(a_person(2))
    assert positions((await read(client, after=now["next"]))["events"]) == [position]
    assert await disclosed(bus, person=1) == []


async def test_a_feed_is_waited_for_from_now(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    waiting = asyncio.create_task(read(bus.reader("dinkes"), after="now", wait=20))
    await asyncio.to_thread(until, lambda: bus.rooms.tail.waiters)
    position = await bus.publish(a_person(2))
    assert positions((await waiting)["events"]) == [position]


async def test_now_is_no_event_that_a_stream_resumes_behind(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    headers = {"accept": "text/event-stream", "last-event-id": "now"}
    answer = await bus.reader("dinkes").get(FEED, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/header/last-event-id"


async def test_a_cursor_sees_every_position_once_while_appends_go_on(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    client = bus.reader("dinkes")
    seen: list[int] = []

    async def publish(start: int) -> list[int]:
        return [await bus.publish(a_person(n)) for n in range(start, start + 40)]

    async def follow() -> None:
        after = ""
        while len(seen) < 200:
            page = await read(client, after=after, limit=7, wait=5)
            seen.extend(positions(page["events"]))
            after = page["next"]

    async with asyncio.timeout(60):
        *sent, _ = await asyncio.gather(*(publish(1000 * n) for n in range(5)), follow())
    assert seen == sorted(position for some in sent for position in some)


@pytest.mark.parametrize(
    ("contract", "status", "slug"), [("tidak.ada", 404, "no-such-contract"), ("uji.tanya", 404, "no-feed")]
)
async def test_what_has_no_feed_is_not_found(bus: Bus, contract: str, status: int, slug: str):
    schema = {"type": "object"}
    query = {"kind": "query", "key": None, "schema": None, "request": schema, "answer": schema}
    bus.apply(a_document(contract="uji.tanya", classification="public", subject=None, **query))
    answer = await bus.reader("dinkes").get(f"/v1/feeds/{contract}")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:bus:problem:{slug}")


async def test_who_has_no_grant_gets_nothing(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person())
    answer = await bus.reader("bapenda").get(FEED)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:bus:problem:not-granted")


async def test_a_grant_that_ended_gives_nothing(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", until="2020-01-01")))
    answer = await bus.reader("dinkes").get(FEED)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:bus:problem:grant-expired")


async def test_a_token_without_the_scope_is_not_enough(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    assert (await bus.reader("dinkes", "events.publish").get(FEED)).status_code == 403


@pytest.mark.parametrize(
    "params",
    [
        {"after": "x"},
        {"after": write_position(Listing.FEED, "lain.hal", 1)},
        {"after": write_position(Listing.RECORDS, WARGA, 1)},
        {"limit": 0},
        {"limit": 1001},
        {"wait": -1},
        {"wait": 61},
        {"wait": "nan"},
    ],
)
async def test_a_wrong_parameter_is_refused(bus: Bus, params: dict[str, Any]):
    bus.apply(a_document(a_grant("dinkes")))
    answer = await bus.reader("dinkes").get(FEED, params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_what_leaves_the_rows_is_shown_as_deleted(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish(a_person(1, desa="sembung"))
    await bus.publish(a_person(1, desa="paciran", nama="Nama Baru"))
    await bus.publish(a_person(1, desa="paciran", nama="Nama Lagi"))
    answer = await bus.reader("desa-sembung").get(FEED)
    assert [event["data"] for event in answer.json()["events"]] == [a_person(1), None]
    assert "Nama Baru" not in answer.text
    assert "paciran" not in answer.text


async def test_what_was_never_in_the_rows_is_not_shown_when_it_is_deleted(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish(a_person(1, desa="paciran"))
    await bus.publish(None, subject=a_nik(1))
    assert (await read(bus.reader("desa-sembung")))["events"] == []


async def test_a_deletion_in_the_rows_is_shown(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish(a_person(1))
    await bus.publish(None, subject=a_nik(1))
    page = await read(bus.reader("desa-sembung"))
    assert [event["data"] for event in page["events"]] == [a_person(1), None]


async def test_a_page_is_filled_from_behind_what_is_not_shown(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    for start in (0, 100):
        await bus.publish_all([a_person(start + n, desa="paciran") for n in range(40)])
        await bus.publish(a_person(start + 50))
    page = await read(bus.reader("desa-sembung"), limit=2)
    assert positions(page["events"]) == [41, 82]


async def test_a_page_that_looked_at_enough_says_where_to_go_on(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    for start in range(0, 12_000, 1000):
        await bus.publish_all([a_person(start + n, desa="paciran") for n in range(1000)])
    position = await bus.publish(a_person(50_000))
    client = bus.reader("desa-sembung")
    first = await read(client)
    assert first["events"] == []
    assert positions((await read(client, after=first["next"]))["events"]) == [position]


@pytest.mark.parametrize("grant", [{}, {"rows": SEMBUNG}], ids=["whole", "rows"])
async def test_a_page_of_large_events_ends_early_and_the_next_goes_on(bus: Bus, grant: dict[str, Any]):
    bus.apply(a_document(a_grant("dinkes", **grant)))
    large = "x" * (MOST_BYTES // 5)
    sent = await bus.publish_all([a_person(n, nama=large) for n in range(12)])
    client = bus.reader("dinkes")
    pages = [await read(client)]
    while pages[-1]["events"]:
        pages.append(await read(client, after=pages[-1]["next"]))
    assert [len(page["events"]) for page in pages] == [5, 5, 2, 0]
    assert [position for page in pages for position in positions(page["events"])] == sent
    assert await disclosed(bus, participant="dinkes") == [(11, 12), (6, 7, 8, 9, 10), (1, 2, 3, 4, 5)]


async def test_an_event_as_large_as_a_page_comes_alone(bus: Bus):
    sizes = (10, MOST_BYTES, 10)
    bus.apply(a_document(a_grant("dinkes"), delivery={"max_bytes": 2 * MOST_BYTES}))
    await bus.publish_all([a_person(n, nama="x" * size) for n, size in enumerate(sizes)])
    client = bus.reader("dinkes")
    first = await read(client)
    second = await read(client, after=first["next"])
    assert [positions(page["events"]) for page in (first, second)] == [[1, 2], [3]]


async def test_a_masked_key_appears_nowhere(bus: Bus):
    bus.apply(a_document(a_grant("bapenda", fields=["/nik", "/desa"], mask={"/nik": "pseudonym"})))
    await bus.publish(a_person(1), source=f"/warga/{a_nik(1)}", partitionkey=a_nik(1))
    await bus.publish(None, subject=a_nik(1))
    answer = await bus.reader("bapenda").get(FEED)
    there, gone = answer.json()["events"]
    assert there["data"] == {"nik": there["subject"], "desa": "sembung"}
    assert (there["partitionkey"], gone["subject"]) == (there["subject"], there["subject"])
    assert a_nik(1) not in answer.text
    assert "Rekaan" not in answer.text


async def test_each_event_is_seen_through_the_grant_of_its_own_version(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", fields=["/nik"]), a_grant("dinsos")))
    await bus.publish(a_person(1))
    bus.apply(a_document(a_grant("dinkes", fields=["/nik", "/nama"]), version="1.1.0"))
    await bus.publish(a_person(2))
    page = await read(bus.reader("dinkes"))
    assert [event["data"] for event in page["events"]] == [{"nik": a_nik(1)}, {"nik": a_nik(2), "nama": "Rekaan 2"}]
    # dinsos sees the older version's events whole, and those of the newer one not at all.
    assert positions(await read_to_the_end(bus.reader("dinsos"))) == [1]


@pytest.mark.parametrize("between", [[], [a_grant("dinsos", until="2020-01-01")]], ids=["absent", "ended"])
async def test_who_is_granted_anew_misses_no_event_of_the_version_between(bus: Bus, between: list[Any]):
    bus.apply(a_document(a_grant("dinsos")))
    await bus.publish(a_person(1))
    bus.apply(a_document(*between, version="1.1.0"))
    await bus.publish(a_person(2))
    bus.apply(a_document(a_grant("dinsos", fields=["/nik"]), version="1.2.0"))
    await bus.publish(a_person(3), dataschema="1.1.0")
    client = bus.reader("dinsos")
    for path, name in ((FEED, "events"), (f"/v1/records/{WARGA}", "records")):
        page = (await client.get(path)).json()
        # Only what the grant in force shows.
        assert [one["data"] for one in page[name]] == [a_person(1), {"nik": a_nik(2)}, {"nik": a_nik(3)}]
    after = page["next"]
    bus.rooms.catalogue.registrar.retire(WARGA, "1.1.0", OPERATOR)
    assert (await client.get(path, params={"after": after})).json()["records"] == []


async def test_a_long_poll_wakes_when_this_process_appends(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    waiting = asyncio.create_task(read(bus.reader("dinkes"), wait=30))
    await until_somebody_waits(bus)
    position = await bus.publish(a_person())
    async with asyncio.timeout(2):
        assert positions((await waiting)["events"]) == [position]


async def test_a_long_poll_wakes_when_another_process_appends(
    bus: Bus, database_url: str, bus_keys: Keys, tmp_path: Path
):
    bus.apply(a_document(a_grant("dinkes")))
    storage = open_storage(database_url)
    other = make_rooms(load_settings(data_dir=tmp_path), storage, bus_keys, ADDRESS, Wakeups())
    waiting = asyncio.create_task(read(bus.reader("dinkes"), wait=30))
    await until_somebody_waits(bus)
    (position,) = await bus.publish_all([a_person()], rooms=other)
    async with asyncio.timeout(2):
        assert positions((await waiting)["events"]) == [position]
    await other.appender.close()
    other.oauth.close()
    storage.close()


@pytest.mark.parametrize("grant", [{}, {"rows": SEMBUNG}], ids=["whole", "rows"])
async def test_a_long_poll_sleeps_through_other_contracts_events(bus: Bus, grant: dict[str, Any]):
    bus.apply(a_document(a_grant("dinkes", **grant)), a_document(contract="lain.hal"))
    client = bus.reader("dinkes")
    before = await read(client)
    waiting = asyncio.create_task(read(client, wait=1))
    await until_somebody_waits(bus)
    await bus.publish(a_person(), type="lain.hal")
    # It read no further page: its place is still the one from before the other event.
    assert await waiting == before


async def test_a_long_poll_ends_after_its_wait(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    started = time.monotonic()
    page = await read(bus.reader("dinkes"), wait=0.3)
    assert page["events"] == []
    assert 0.25 < time.monotonic() - started < 5


async def test_a_long_poll_of_a_client_that_went_away_ends(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    headers = [(b"authorization", bus.token("dinkes").encode())]
    scope = {"type": "http", "method": "GET", "path": FEED, "query_string": b"wait=60", "headers": headers}

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    async with asyncio.timeout(5):
        await bus.edge(scope, receive, send)


async def test_a_token_revoked_during_a_long_poll_gets_nothing(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    client = bus.reader("dinkes")
    waiting = asyncio.create_task(client.get(FEED, params={"wait": 30}))
    await until_somebody_waits(bus)
    principal = bus.rooms.tokens.verify(client.headers["authorization"].encode())
    await asyncio.to_thread(bus.rooms.tokens.revoke, principal, OPERATOR)
    await bus.publish(a_person())
    assert (await waiting).status_code == 401


async def test_a_stream_gives_what_is_there_and_what_comes(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    first = await bus.publish(a_person(1))
    async with streamed(bus, bus.token("dinkes")) as events:
        assert (await anext(events))["sequence"] == first
        second = await bus.publish(a_person(2))
        event = await anext(events)
    assert (event["event"], event["sequence"], event["data"]["data"]) == (WARGA, second, a_person(2))
    assert await disclosed(bus, participant="dinkes") == [(second,), (first,)]


async def test_a_stream_resumes_behind_its_last_event(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    sent = await bus.publish_all([a_person(n) for n in range(5)])
    async with streamed(bus, bus.token("dinkes")) as events:
        read = [await anext(events) for _ in range(2)]
    async with streamed(bus, bus.token("dinkes"), **{"last-event-id": read[-1]["id"]}) as events:
        read += [await anext(events) for _ in range(3)]
    assert [event["sequence"] for event in read] == sent


async def test_a_stream_ends_with_its_token(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    async with asyncio.timeout(10), streamed(bus, bus.token("dinkes", seconds=2)) as events:
        assert [event["event"] async for event in events] == ["problem"]


async def test_a_stream_needs_a_grant(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    answer = await bus.reader("bapenda").get(FEED, headers={"accept": "text/event-stream"})
    assert answer.status_code == 403


async def test_the_producer_reads_its_own_feed_only_with_a_grant(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    assert (await bus.reader(OWNER).get(FEED)).status_code == 403


async def until_somebody_waits(bus: Bus) -> None:
    """Until a reader waits for the journal to move, having found nothing."""
    async with asyncio.timeout(10):
        while not bus.rooms.tail.waiters:  # noqa: ASYNC110 - what is waited for is a count, which tells nobody
            await asyncio.sleep(0.005)


@asynccontextmanager
async def streamed(bus: Bus, token: str, **headers: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The events of a stream as they come, from a real server."""
    headers |= {"authorization": token, "accept": "text/event-stream"}
    async with (
        bus.served() as address,
        no_tls.AsyncClient(base_url=address, timeout=30) as client,
        client.stream("GET", FEED, headers=headers) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield parsed(answer)


async def parsed(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name:
            event[name] = value
        elif "data" in event:
            document = json.loads(event["data"])
            yield event | {"data": document, "sequence": int(document.get("sequence", 0))}
            event = {}
