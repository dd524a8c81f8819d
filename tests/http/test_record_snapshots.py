"""Snapshots over HTTP: whole, from one state, and complete together with the changes behind them."""

import asyncio
import csv
import sys
import tracemalloc
from hashlib import sha256
from io import BytesIO, StringIO
from typing import Any

import httpx
import pytest
from pyarrow import parquet

from bus import json
from bus.disclosures import Wanted
from bus.http.cursors import Place, read_place, write_place
from bus.http.packing import zstd
from tests.a_bus import Bus
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person
from tests.services.waiting import until

RECORDS = f"/v1/records/{WARGA}"
SEMBUNG = [{"exact": {"desa": "sembung"}}]
NDJSON, CSV = {"accept": "application/x-ndjson"}, {"accept": "text/csv"}
PARQUET = {"accept": "application/vnd.apache.parquet"}

only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def snapshot(client: httpx.AsyncClient, **params: Any) -> tuple[list[dict[str, Any]], str]:
    answer = await client.get(RECORDS, params=params, headers=NDJSON)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.content.splitlines()], answer.headers["bus-next"]


def apply_to(copy: dict[str, Any], events: list[dict[str, Any]]) -> None:
    """Bring a copy up to date, as a consumer does."""
    for event in events:
        copy[event["subject"]] = event["data"]
        if event["data"] is None:
            del copy[event["subject"]]


@pytest.mark.parametrize("grant", [{}, {"rows": SEMBUNG}], ids=["whole", "rows"])
async def test_a_snapshot_and_the_changes_behind_it_miss_nothing_that_is_written_meanwhile(
    bus: Bus, grant: dict[str, Any]
):
    bus.apply(a_document(a_grant("dinkes", **grant)))
    await bus.publish_all([a_person(n) for n in range(2500)])
    copy: dict[str, Any] = {}
    async with bus.served() as address, bus.reader("dinkes", address=address) as client:
        events: list[dict[str, Any]] = []
        async with client.stream("GET", RECORDS, headers=NDJSON) as answer:
            async for line in answer.aiter_lines():
                events.append(json.loads(line))
                if len(events) == 1:
                    await bus.publish_all([a_person(2400, nama="Baru"), a_person(1, desa="paciran"), a_person(9000)])
                    await bus.publish(None, subject=a_nik(2401))
            following = answer.headers["bus-next"]
        # One state: nothing that came after the beginning of the answer.
        assert [event["data"] for event in events] == [a_person(n) for n in range(2500)]
        apply_to(copy, events)
        apply_to(copy, (await snapshot(client, after=following))[0])
    expected = {a_nik(n): a_person(n) for n in (*range(2500), 9000)}
    del expected[a_nik(2401)]
    expected |= {a_nik(2400): a_person(2400, nama="Baru"), a_nik(1): a_person(1, desa="paciran")}
    if grant:
        del expected[a_nik(1)]
    assert copy == expected


async def test_a_pass_of_pages_shows_each_key_once_however_often_it_changes_meanwhile(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(5)])
    client, seen, after = bus.reader("dinkes"), [], ""
    for number in range(3):
        page = (await client.get(RECORDS, params={"after": after, "limit": 2})).json()
        await bus.publish_all([a_person(n, nama=f"Baru {number}") for n in range(5)])
        seen += [event["data"] for event in page["records"]]
        after = page["next"]
    assert seen == [a_person(n) for n in range(5)]
    page = (await client.get(RECORDS, params={"after": after})).json()
    assert [event["data"]["nama"] for event in page["records"]] == ["Baru 2"] * 5


async def test_a_departure_between_the_pages_of_a_pass_comes_with_the_next_pass(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish_all([a_person(n) for n in range(4)])
    client = bus.reader("desa-sembung")
    first = (await client.get(RECORDS, params={"limit": 2})).json()
    await bus.publish_all([a_person(0, desa="paciran"), a_person(3, desa="paciran"), a_person(3, desa="babat")])
    second = (await client.get(RECORDS, params={"after": first["next"]})).json()
    third = (await client.get(RECORDS, params={"after": second["next"]})).json()
    assert [event["data"] for event in second["records"]] == [a_person(2), a_person(3)]
    assert [(event["subject"], event["data"]) for event in third["records"]] == [(a_nik(0), None), (a_nik(3), None)]


@only_once
async def test_a_pass_that_fell_far_behind_shows_the_present_state_and_misses_nothing(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bus.http.page._FAR", 3)
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(4)])
    client = bus.reader("dinkes")
    first = (await client.get(RECORDS, params={"limit": 2})).json()
    await bus.publish_all([a_person(n, nama="Baru") for n in (0, 2, 3, 9)])
    second = (await client.get(RECORDS, params={"after": first["next"]})).json()
    assert [event["data"]["nama"] for event in second["records"]] == ["Baru"] * 4


@only_once
async def test_a_trailer_tells_the_count_and_the_digest_of_the_lines_before_it(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(3)])
    await bus.publish(None, subject=a_nik(1))
    answer = await bus.reader("dinkes").get(RECORDS, params={"trailer": "true"}, headers=NDJSON)
    *lines, trailer = answer.content.splitlines(keepends=True)
    assert json.loads(trailer) == {
        "next": answer.headers["bus-next"],
        "count": 3,
        "digest": "sha256:" + sha256(b"".join(lines)).hexdigest(),
    }
    assert answer.headers["bus-count"] == "3"


@only_once
async def test_an_empty_snapshot_has_a_trailer_too(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    answer = await bus.reader("dinkes").get(RECORDS, params={"trailer": "true"}, headers=NDJSON)
    assert (answer.json()["count"], answer.json()["digest"]) == (0, f"sha256:{sha256().hexdigest()}")


@only_once
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_packed_snapshot_has_the_same_lines(bus: Bus, coding: str):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(1500)])
    answer = await bus.reader("dinkes").get(RECORDS, headers=NDJSON | {"accept-encoding": coding})
    assert answer.headers["content-encoding"] == coding
    # httpx unpacks gzip alone.
    content = zstd.decompress(answer.content) if coding == "zstd" else answer.content
    assert len(content.splitlines()) == 1500
    assert answer.headers["content-disposition"] == f'attachment; filename="{WARGA}.ndjson"'


@only_once
async def test_a_head_tells_where_changes_go_on_and_discloses_nothing(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    position = await bus.publish(a_person(1))
    answer = await bus.reader("dinkes").head(RECORDS, headers=NDJSON)
    assert answer.headers["bus-next"] == write_place(WARGA, Place(position, position))
    assert answer.headers["bus-count"] == "1"
    assert await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(participant="dinkes"), None, 10) == []


@only_once
async def test_no_count_tells_how_many_records_a_row_filter_hides(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish_all([a_person(1), a_person(2, desa="paciran")])
    answer = await bus.reader("desa-sembung").get(RECORDS, headers=NDJSON)
    assert "bus-count" not in answer.headers


@only_once
async def test_a_snapshot_that_broke_off_goes_on_behind_its_last_line(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish_all([a_person(n) for n in range(6)])
    client = bus.reader("desa-sembung")
    copy: dict[str, Any] = {}
    events, _ = await snapshot(client)
    apply_to(copy, events[:3])
    # One that the copy has leaves, one that it lacks leaves, and one that it has changes.
    await bus.publish_all([a_person(0, desa="paciran"), a_person(5, desa="paciran"), a_person(1, nama="Baru")])
    rest, _ = await snapshot(client, after=events[2]["sequence"])
    apply_to(copy, [event for event in rest if event["data"] is not None or event["subject"] in copy])
    assert copy == {a_nik(n): a_person(n, **({"nama": "Baru"} if n == 1 else {})) for n in (1, 2, 3, 4)}


@only_once
@pytest.mark.parametrize("headers", [{}, NDJSON])
async def test_a_cursor_of_a_bus_that_lost_its_end_is_gone(bus: Bus, headers: dict[str, str]):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    ahead = write_place(WARGA, Place(7, 7))
    answer = await bus.reader("dinkes").get(RECORDS, params={"after": ahead}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:bus:problem:cursor-gone")


@only_once
async def test_a_reader_that_waits_gets_the_change(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    client = bus.reader("dinkes")
    after = (await client.get(RECORDS)).json()["next"]
    waiting = asyncio.create_task(client.get(RECORDS, params={"after": after, "wait": 30}))
    await asyncio.to_thread(until, lambda: bus.rooms.tail.waiters == 1)
    await bus.publish(a_person(1, nama="Baru"))
    page = (await waiting).json()
    assert [event["data"]["nama"] for event in page["records"]] == ["Baru"]
    assert read_place(page["next"], WARGA).position == 2


@only_once
async def test_who_waits_in_vain_gets_an_empty_page_and_a_cursor(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    page = (await bus.reader("dinkes").get(RECORDS, params={"wait": 0.05})).json()
    assert page["records"] == []
    assert read_place(page["next"], WARGA) == Place(0, 0)


@only_once
async def test_excel_gets_texts_that_it_leaves_alone(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", fields=["/nik", "/nama"])))
    await bus.publish_all([a_person(1, nama="1 Jan"), a_person(2, nama='=cmd|"/C calc"!A0')])
    answer = await bus.reader("dinkes").get(RECORDS, params={"excel": "true"}, headers=CSV)
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert rows[1:] == [[f'="{a_nik(1)}"', '="1 Jan"'], [f'="{a_nik(2)}"', '\'=cmd|"/C calc"!A0']]


def with_numbers(*grants: dict[str, Any], **changes: Any) -> dict[str, Any]:
    properties = {
        "nik": {"type": "string"},
        "umur": {"type": "integer", "minimum": 0, "maximum": 150},
        "besar": {"type": "integer"},
        "berat": {"type": ["number", "null"]},
        "hidup": {"type": "boolean"},
        "anak": {"type": "array"},
    }
    schema = {"type": "object", "properties": properties, "required": ["nik"], "additionalProperties": False}
    return a_document(*grants, schema=schema, **changes)


@only_once
async def test_a_snapshot_comes_as_parquet_with_types_and_the_cursor(bus: Bus):
    bus.apply(with_numbers(a_grant("dinkes")))
    first = {"nik": a_nik(1), "umur": 7, "besar": 2**63, "berat": 2, "hidup": True, "anak": ["a"]}
    await bus.publish_all([first, {"nik": a_nik(2), "berat": None}, {"nik": a_nik(3)}])
    await bus.publish(None, subject=a_nik(3))
    answer = await bus.reader("dinkes").get(RECORDS, headers=PARQUET)
    table = parquet.read_table(BytesIO(answer.content))
    assert {field.name: str(field.type) for field in table.schema} == {
        "nik": "string",
        "umur": "int64",
        "besar": "string",
        "berat": "double",
        "hidup": "bool",
        "anak": "string",
    }
    assert table.to_pylist() == [
        first | {"besar": str(2**63), "berat": 2.0, "anak": '["a"]'},
        {"nik": a_nik(2), "umur": None, "besar": None, "berat": None, "hidup": None, "anak": None},
    ]
    metadata = parquet.read_metadata(BytesIO(answer.content)).metadata
    assert metadata[b"bus.next"].decode() == answer.headers["bus-next"]
    assert metadata[b"bus.count"] == b"2"


@only_once
async def test_a_column_whose_type_an_older_version_had_otherwise_is_text(bus: Bus):
    bus.apply(with_numbers(a_grant("dinkes")))
    await bus.publish({"nik": a_nik(1), "umur": 7})
    newer = with_numbers(a_grant("dinkes"), version="2.0.0")
    newer["schema"]["properties"]["umur"] = {"type": "string"}
    bus.apply(newer)
    await bus.publish({"nik": a_nik(2), "umur": "tujuh"})
    answer = await bus.reader("dinkes").get(RECORDS, headers=PARQUET)
    assert parquet.read_table(BytesIO(answer.content)).column("umur").to_pylist() == ["7", "tujuh"]


@only_once
async def test_a_masked_number_is_text_in_parquet(bus: Bus):
    bus.apply(with_numbers(a_grant("dinkes", mask={"/umur": "redact"})))
    await bus.publish({"nik": a_nik(1), "umur": 7})
    answer = await bus.reader("dinkes").get(RECORDS, headers=PARQUET)
    assert parquet.read_table(BytesIO(answer.content)).column("umur").to_pylist() == ["***"]


@only_once
async def test_without_the_library_parquet_is_refused_with_what_to_install(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    bus.apply(a_document(a_grant("dinkes")))
    answer = await bus.reader("dinkes").get(RECORDS, headers=PARQUET)
    assert (answer.status_code, answer.json()["type"]) == (406, "urn:bus:problem:parquet-missing")
    assert "bus-lamongan[parquet]" in answer.json()["detail"]


@only_once
@pytest.mark.parametrize("headers", [{}, NDJSON, CSV])
async def test_fewer_fields_than_the_grant_are_shown_and_disclosed(bus: Bus, headers: dict[str, str]):
    bus.apply(a_document(a_grant("dinkes", fields=["/nik", "/nama", "/lahir"], mask={"/nama": "redact"})))
    await bus.publish(a_person(1, lahir={"tempat": "Babat"}))
    answer = await bus.reader("dinkes").get(RECORDS, params={"fields": "/nama,/lahir/tempat"}, headers=headers)
    assert "Babat" in answer.text
    assert "***" in answer.text
    assert a_nik(1) not in answer.text
    (found,) = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(participant="dinkes"), None, 10)
    assert found.disclosure.fields == ["/nama", "/lahir/tempat"]


@only_once
async def test_a_wish_below_a_mask_unmasks_nothing(bus: Bus):
    properties = {"nik": {"type": "string"}, "anak": {"type": "object", "additionalProperties": {"type": "string"}}}
    schema = {"type": "object", "properties": properties, "required": ["nik"]}
    bus.apply(a_document(a_grant("dinkes", mask={"/anak/*": "redact"}), schema=schema))
    await bus.publish({"nik": a_nik(1), "anak": {"a": "rahasia", "b": "rahasia"}})
    answer = await bus.reader("dinkes").get(RECORDS, params={"fields": "/anak/a"})
    assert [event["data"] for event in answer.json()["records"]] == [{"anak": {"a": "***"}}]


@only_once
@pytest.mark.parametrize("fields", ["/desa", "/nik,/tidak-ada", "nik", ",", "/nik,"])
async def test_a_field_that_the_grant_does_not_show_is_refused(bus: Bus, fields: str):
    bus.apply(a_document(a_grant("dinkes", fields=["/nik", "/nama"])))
    answer = await bus.reader("dinkes").get(RECORDS, params={"fields": fields})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:bus:problem:fields-invalid")
    assert answer.json()["errors"][0]["pointer"] == "/query/fields"


@only_once
async def test_one_record_with_fewer_fields_has_another_etag(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    client = bus.reader("dinkes")
    whole = await client.get(f"{RECORDS}/{a_nik(1)}")
    part = await client.get(f"{RECORDS}/{a_nik(1)}", params={"fields": "/nama"})
    assert part.json()["data"] == {"nama": "Rekaan 1"}
    assert "subject" not in part.json()
    assert part.headers["etag"] != whole.headers["etag"]


@only_once
async def test_the_memory_of_a_snapshot_does_not_grow_with_its_records(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", mask={"/nama": "redact"})))
    client, peaks = bus.reader("dinkes"), []
    for count in (1_000, 10_000):
        start = bus.rooms.journal.last_position()
        for first in range(start, count, 1_000):
            await bus.publish_all([a_person(n, lahir={"tempat": "x" * 500}) for n in range(first, first + 1_000)])
        tracemalloc.start()
        lines = await count_lines(bus, client)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert lines == count
    # Ten times the records are 6 MB more.
    assert peaks[1] < peaks[0] + 2_000_000


async def count_lines(bus: Bus, client: httpx.AsyncClient) -> int:
    """Read a snapshot as a reader does that keeps nothing."""
    count = 0

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal count
        count += message.get("body", b"").count(b"\n")

    fields = {"authorization": client.headers["authorization"], **NDJSON}
    headers = [(name.encode(), value.encode()) for name, value in fields.items()]
    scope = {"type": "http", "method": "GET", "path": RECORDS, "query_string": b"trailer=false", "headers": headers}
    await bus.edge(scope | {"client": ("127.0.0.1", 1)}, receive, send)
    return count
