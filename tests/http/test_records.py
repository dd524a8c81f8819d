"""Records over HTTP: the newest event of each key through the caller's view, in pages, whole, or one by its key."""

import asyncio
import csv
from io import StringIO
from itertools import chain
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from bus import json
from bus.disclosures import Wanted
from bus.http.cursors import Listing, write_position
from bus.journal.lines import MOST_BYTES
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person

RECORDS = f"/v1/records/{WARGA}"
SEMBUNG = [{"exact": {"desa": "sembung"}}]
NDJSON, CSV = {"accept": "application/x-ndjson"}, {"accept": "text/csv"}


async def read(client: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await client.get(RECORDS, params=params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def data(page: dict[str, Any]) -> list[Any]:
    return [event["data"] for event in page["records"]]


async def disclosed(bus: Bus, participant: str) -> list[tuple[int, ...]]:
    found = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(participant=participant), None, 1000)
    return [tuple(one.positions) for one in found]


async def test_the_newest_event_of_each_key_is_there(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(1), a_person(2), a_person(1, nama="Baru")])
    assert data(await read(bus.reader("dinkes"))) == [a_person(2), a_person(1, nama="Baru")]


async def test_a_deleted_record_is_there_without_data(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    await bus.publish(None, subject=a_nik(1))
    (event,) = (await read(bus.reader("dinkes")))["records"]
    assert (event["subject"], event["data"]) == (a_nik(1), None)


async def test_a_deletion_without_a_data_member_is_shown_with_null(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_document({"subject": a_nik(1)})
    assert data(await read(bus.reader("dinkes"))) == [None]


async def test_pages_follow_each_other_and_the_last_cursor_sees_what_is_new(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(5)])
    client = bus.reader("dinkes")
    first = await read(client, limit=3)
    second = await read(client, limit=3, after=first["next"])
    await bus.publish(a_person(0, nama="Baru"))
    third = await read(client, limit=3, after=second["next"])
    assert [len(page["records"]) for page in (first, second)] == [3, 2]
    assert data(third) == [a_person(0, nama="Baru")]


@pytest.mark.parametrize("grant", [{}, {"rows": SEMBUNG}], ids=["whole", "rows"])
async def test_a_page_of_large_records_ends_early_and_the_next_goes_on(bus: Bus, grant: dict[str, Any]):
    bus.apply(a_document(a_grant("dinkes", **grant)))
    people = [a_person(n, nama="x" * (MOST_BYTES // 5)) for n in range(7)]
    await bus.publish_all(people)
    client = bus.reader("dinkes")
    first = await read(client)
    second = await read(client, after=first["next"])
    assert (data(first), data(second)) == (people[:5], people[5:])
    whole = (await client.get(RECORDS, headers=NDJSON)).text.splitlines()
    assert [json.loads(line)["data"] for line in whole] == people


async def test_a_record_that_left_the_rows_is_shown_as_deleted_however_often_it_changed_since(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish_all([a_person(1), a_person(2)])
    client = bus.reader("desa-sembung")
    before = await read(client)
    await bus.publish_all([a_person(1, desa="paciran", nama=f"Nama {n}") for n in range(5)])
    after = await client.get(RECORDS, params={"after": before["next"]})
    (event,) = after.json()["records"]
    assert (event["subject"], event["data"]) == (a_nik(1), None)
    assert "paciran" not in after.text
    assert (await read(client, after=after.json()["next"]))["records"] == []


async def test_a_record_that_left_the_rows_before_the_cursor_is_not_shown_again(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish_all([a_person(1), a_person(1, desa="paciran")])
    client = bus.reader("desa-sembung")
    before = await read(client)
    await bus.publish(a_person(1, desa="paciran", nama="Baru"))
    assert (await read(client, after=before["next"]))["records"] == []


async def test_a_masked_key_appears_nowhere(bus: Bus):
    bus.apply(a_document(a_grant("bapenda", fields=["/nik", "/desa"], mask={"/nik": "pseudonym"})))
    await bus.publish_all([a_person(1), a_person(2)])
    await bus.publish(None, subject=a_nik(2))
    client = bus.reader("bapenda")
    for headers in ({}, NDJSON, CSV):
        text = (await client.get(RECORDS, headers=headers)).text
        assert "sembung" in text
        assert a_nik(1) not in text
        assert a_nik(2) not in text
        assert "Rekaan" not in text


async def test_a_snapshot_comes_as_lines(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(1001)])
    await bus.publish_all([a_person(n) for n in range(1001, 2001)])
    await bus.publish(None, subject=a_nik(7))
    answer = await bus.reader("dinkes").get(RECORDS, headers=NDJSON)
    events = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert len({event["subject"] for event in events}) == len(events) == 2001
    assert events[-1]["data"] is None
    assert sorted(chain(*await disclosed(bus, "dinkes"))) == [int(event["sequence"]) for event in events]


async def test_a_snapshot_comes_as_a_spreadsheet(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", fields=["/nik", "/nama", "/lahir"])))
    await bus.publish_all([a_person(1, nama="=1+1", lahir={"tempat": "Babat"}), a_person(2)])
    await bus.publish(None, subject=a_nik(2))
    answer = await bus.reader("dinkes").get(RECORDS, headers=CSV)
    assert answer.headers["content-type"].startswith("text/csv")
    assert list(csv.reader(StringIO(answer.text, newline=""))) == [
        ["nik", "nama", "lahir.tempat"],
        [a_nik(1), "'=1+1", "Babat"],
    ]
    assert await disclosed(bus, "dinkes") == [(1, 3)]


async def test_a_snapshot_needs_a_grant(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    answer = await bus.reader("bapenda").get(RECORDS, headers=NDJSON)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")


async def test_json_is_given_to_who_prefers_it(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    answer = await bus.reader("dinkes").get(RECORDS, headers={"accept": "application/json, text/csv"})
    assert answer.headers["content-type"] == "application/json"


async def test_one_record_comes_by_its_key(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", fields=["/nik", "/desa"])))
    position = await bus.publish(a_person(1))
    answer = await bus.reader("dinkes").get(f"{RECORDS}/{a_nik(1)}")
    assert answer.headers["content-type"] == "application/cloudevents+json"
    assert answer.json()["data"] == {"nik": a_nik(1), "desa": "sembung"}
    assert await disclosed(bus, "dinkes") == [(position,)]


async def test_a_key_may_hold_slashes(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(nik="503/12 a/2026"))
    answer = await bus.reader("dinkes").get(f"{RECORDS}/{quote('503/12 a/2026', safe='')}")
    assert answer.json()["subject"] == "503/12 a/2026"


@pytest.mark.parametrize("key", [a_nik(9), a_nik(2), a_nik(3), "%00"], ids=["absent", "deleted", "elsewhere", "nul"])
async def test_what_may_not_be_seen_is_as_what_is_not_there(bus: Bus, key: str):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish_all([a_person(2), a_person(3), a_person(3, desa="paciran")])
    await bus.publish(None, subject=a_nik(2))
    client = bus.reader("desa-sembung")
    answer, absent = await client.get(f"{RECORDS}/{key}"), await client.get(f"{RECORDS}/tidak-ada")
    assert (answer.status_code, answer.content) == (404, absent.content)
    assert await disclosed(bus, "desa-sembung") == []


async def test_who_has_the_newest_answer_gets_none_and_is_disclosed_to_once_more(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    client = bus.reader("dinkes")
    etag = (await client.get(f"{RECORDS}/{a_nik(1)}")).headers["etag"]
    again = await client.get(f"{RECORDS}/{a_nik(1)}", headers={"if-none-match": f'"x", W/{etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    (found,) = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(participant="dinkes"), None, 10)
    assert found.times == 2


async def test_a_changed_record_has_another_etag(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    client = bus.reader("dinkes")
    etag = (await client.get(f"{RECORDS}/{a_nik(1)}")).headers["etag"]
    await bus.publish(a_person(1, nama="Baru"))
    again = await client.get(f"{RECORDS}/{a_nik(1)}", headers={"if-none-match": etag})
    assert (again.status_code, again.json()["data"]["nama"]) == (200, "Baru")


async def test_an_etag_tells_no_more_of_a_hidden_change_than_the_answer_does(bus: Bus):
    bus.apply(a_document(a_grant("dinsos", fields=["/nik"])))
    client, seen = bus.reader("dinsos"), []
    for name in ("Lama", "Baru"):
        await bus.publish(a_person(1, nama=name))
        answer = await client.get(f"{RECORDS}/{a_nik(1)}")
        position, view = answer.headers["etag"].strip('"').split("-")
        assert int(position) == int(answer.json()["sequence"])
        seen.append(view)
    assert seen[0] == seen[1]


async def test_another_view_has_another_etag(bus: Bus):
    bus.apply(a_document(a_grant("dinkes"), a_grant("dinsos", fields=["/nik"])))
    await bus.publish(a_person(1))
    whole = await bus.reader("dinkes").get(f"{RECORDS}/{a_nik(1)}")
    cut = await bus.reader("dinsos").get(f"{RECORDS}/{a_nik(1)}", headers={"if-none-match": whole.headers["etag"]})
    assert cut.status_code == 200


@pytest.mark.parametrize("key", [a_nik(1), a_nik(9)], ids=["there", "absent"])
async def test_who_sees_keys_masked_may_not_try_them(bus: Bus, key: str):
    bus.apply(a_document(a_grant("bapenda", mask={"/nik": "pseudonym"})))
    await bus.publish(a_person(1))
    answer = await bus.reader("bapenda").get(f"{RECORDS}/{key}")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:bus:problem:key-hidden")


async def test_a_key_that_only_the_newer_version_shows_cannot_be_tried_on_older_events(bus: Bus):
    bus.apply(a_document(a_grant("bapenda", mask={"/nik": "pseudonym"})))
    await bus.publish(a_person(1))
    bus.apply(a_document(a_grant("bapenda"), version="1.1.0"))
    await bus.publish(a_person(2))
    client = bus.reader("bapenda")
    assert (await client.get(f"{RECORDS}/{a_nik(1)}")).status_code == 404
    assert (await client.get(f"{RECORDS}/{a_nik(2)}")).status_code == 200


@pytest.mark.parametrize("path", ["", "/x"])
async def test_a_contract_of_another_kind_has_no_records(bus: Bus, path: str):
    bus.apply(a_document(a_grant("dinkes"), contract="uji.peristiwa", kind="event", key=None))
    answer = await bus.reader("dinkes").get(f"/v1/records/uji.peristiwa{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:bus:problem:not-records")


async def test_a_feeds_cursor_is_refused(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    answer = await bus.reader("dinkes").get(RECORDS, params={"after": write_position(Listing.FEED, WARGA, 1)})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:bus:problem:cursor-invalid")


async def test_a_token_revoked_during_a_snapshot_gets_no_further_page(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(number) for number in range(1001)])
    token = bus.token("dinkes").encode()
    headers = [(b"authorization", token), (b"accept", b"application/x-ndjson")]
    scope = {"type": "http", "method": "GET", "path": RECORDS, "query_string": b"", "headers": headers}
    lines: list[bytes] = []
    revoked: list[int] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        lines.extend(message.get("body", b"").splitlines())
        if lines and not revoked:
            revoked.append(len(lines))
            principal = bus.rooms.tokens.verify(token)
            await asyncio.to_thread(bus.rooms.tokens.revoke, principal, OPERATOR)

    # How an answer that is under way is broken off.
    with pytest.raises(RuntimeError, match="response already started"):
        await bus.edge(scope | {"client": ("127.0.0.1", 1)}, receive, send)
    assert [len(lines)] == revoked
