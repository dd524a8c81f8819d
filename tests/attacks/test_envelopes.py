"""Attacks through the envelope: identifiers that hide in attributes, and attributes that break what comes after the commit."""

import hashlib
import json as standard_json
import tracemalloc
from base64 import b32encode, b64encode, urlsafe_b64encode
from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import json
from bus.contracts.document import parse_contract
from bus.contracts.lint import find_errors
from bus.contracts.view import View
from bus.delivery.worker import read_traceparent
from bus.identity.tokens import Principal
from bus.journal import Entry
from bus.journal.lines import MOST_BYTES
from bus.journal.viewed import apply_view
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, Document, a_document, a_grant, a_nik, a_person, an_event
from tests.full_log import a_full_log

sqlite_alone = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}

# Identifiers in other spellings.


def spellings(text: str) -> set[str]:
    """A NIK as a publisher may write it where it means no harm."""
    raw = text.encode()
    grouped = [sign.join((text[:6], text[6:12], text[12:])) for sign in ".- _/:"]
    hashes = [hashlib.new(name, raw).hexdigest() for name in ("md5", "sha1", "sha256", "blake2b")]
    coded = [raw.hex(), b64encode(raw).decode(), urlsafe_b64encode(raw).decode(), b32encode(raw).decode()]
    coded += [f"{int(text):x}", text[::-1], "".join(f"%{byte:02X}" for byte in raw)]
    return {text, *grouped, *hashes, *coded, *(one.upper() for one in hashes), *(one.rstrip("=") for one in coded)}


NIKS = st.integers(1, 10**12 - 1).map(lambda number: f"3524{number:012d}")
ATTRIBUTES = st.sampled_from(
    [
        *("id", "source", "partitionkey", "dataschema", "datacontenttype", "traceparent", "tracestate", "loket"),
        *("nik", "correlationid", "dataref", "subject"),
    ]
)
GRANTS = st.sampled_from(
    [
        {"fields": ["/nama"]},
        {"fields": ["/nik", "/nama"], "mask": {"/nik": "pseudonym"}},
        {"mask": {"/nik": "pseudonym"}},
        {"mask": {"/nik": "last4"}},
        {"fields": ["/lahir/tempat"], "mask": {"/nik": "redact"}},
    ]
)
CONTRACTS = st.sampled_from([{}, {"kind": "event", "key": None}, {"key": "/nama"}])


@settings(max_examples=300)
@given(
    nik=NIKS,
    grant=GRANTS,
    of=CONTRACTS,
    spelled=st.lists(st.tuples(ATTRIBUTES, st.integers(0, 99), st.sampled_from(["{}", "a{}b", "/x/{}?y={}"]))),
    deleted=st.booleans(),
    is_old=st.booleans(),
)
def test_no_spelling_of_a_hidden_identifier_is_handed_out(
    nik: str, grant: Document, of: Document, spelled: list[tuple[str, int, str]], deleted: bool, is_old: bool
) -> None:
    contract = parse_contract(a_document(a_grant("bapenda", **grant), **of))
    old = parse_contract(a_document(a_grant("bapenda"), **of, version="0.1.0")) if is_old else None
    view = View(contract, contract.grants[0], b"k" * 32, None, old, "https://bus.example")
    known = sorted(spellings(nik))
    data = a_person(1, nik=nik, lahir={"tempat": "Lamongan"})
    event = {"specversion": "1.0", "id": nik, "source": f"/{nik}", "type": WARGA, "sequence": "1", "data": data}
    event |= {name: form.replace("{}", known[number % len(known)]) for name, number, form in spelled}
    if contract.key == "/nik":
        event["subject"] = nik
    elif contract.key == "/nama":
        event["subject"] = data["nama"]
    if deleted:
        event["data"] = None
    entry = Entry(1, 1, 1, OWNER, event.get("subject"), nik, 0, json.dumps(event))
    handed_out = (apply_view(entry, view, lambda _: None) or b"").decode()
    taken_out = json.dumps(view.withdraw(event)).decode()
    for text in (handed_out, taken_out):
        low = text.lower()
        assert not [one for one in known if one.lower() in low]


@pytest.mark.parametrize("path", ["feeds/{}", "records/{}", "events/1", "feeds/{} stream"])
async def test_every_way_out_hands_out_the_same_envelope_of_the_buss_own(bus: Bus, path: str) -> None:
    bus.apply(a_document(a_grant("bapenda", mask={"/nik": "pseudonym"}), attributes=["tahun"]))
    dotted = ".".join((a_nik(1)[:6], a_nik(1)[6:]))
    await bus.publish(a_person(1), id=dotted, source=f"/{dotted}", loket=dotted, tracestate=dotted, tahun=2026)
    path, _, stream = path.format(WARGA).partition(" ")
    if stream:
        headers = {"accept": "application/x-ndjson"}
        text = (await bus.reader("bapenda").get(f"/v1/records/{WARGA}", headers=headers)).text
    else:
        text = (await bus.reader("bapenda").get(f"/v1/{path}")).text
    assert dotted not in text
    assert a_nik(1) not in text
    assert '"source":"urn:bus:contract:kependudukan.warga"' in text
    assert '"dataschema":"https://bus.lamongan.example/v1/contracts/kependudukan.warga/versions/1.0.0/schema"' in text
    assert '"tahun":2026' in text


@sqlite_alone
async def test_the_event_that_takes_a_record_out_of_the_rows_tells_nothing_of_it(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda", rows=[{"exact": {"desa": "sembung"}}])))
    await bus.publish(a_person(1))
    await bus.publish(a_person(1, desa="paciran"), id="ke-paciran", source="/paciran", tujuan="paciran")
    answer = await bus.reader("bapenda").get(f"/v1/feeds/{WARGA}")
    assert [event["data"] for event in answer.json()["events"]] == [a_person(1), None]
    assert "paciran" not in answer.text


def test_a_trace_goes_on_to_a_webhook_only_where_the_event_shows_it() -> None:
    trace = f"00-{a_nik(1)}{a_nik(1)}-00f067aa0ba902b7-01"
    event = {"type": WARGA, "sequence": "1", "traceparent": trace, "subject": a_nik(1), "data": a_person(1)}
    for named, told in ((["traceparent"], trace), ([], None)):
        contract = parse_contract(a_document(a_grant("bapenda", fields=["/desa"]), attributes=named))
        view = View(contract, contract.grants[0], b"k" * 32)
        assert read_traceparent(json.dumps(view.reduce(event))) == told


@pytest.mark.parametrize("name", ["id", "source", "subject", "partitionkey", "data", "sequence", "type"])
def test_no_contract_names_an_attribute_that_is_not_an_extension(name: str) -> None:
    contract = parse_contract(a_document(a_grant("bapenda"), attributes=["tahun", name]))
    assert [one.pointer for one in find_errors(contract) if one.code == "attribute"] == ["/attributes/1"]


# What comes after the commit.

ODD: dict[str, Any] = {
    "a number": 5,
    "a large number": 2**40,
    "a huge number": 10**30,
    "a fraction": 0.5,
    "a boolean": True,
    "an object": {"a": 1},
    "an array": ["00-a-b-01"],
    "a control character": "00\n",
    "a long text": "x" * 2000,
}
TEXTS = ["traceparent", "tracestate", "partitionkey"]


@sqlite_alone
@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
async def test_a_text_of_the_standards_that_is_none_is_refused_and_nothing_is_stored(bus: Bus, value: Any) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    http = bus.reader(OWNER, "events.publish")
    for name in TEXTS:
        text = python_json(an_event(**{name: value}))
        for headers, body, at in ((STRUCTURED, text, ""), (BATCH, f"[{text}]", "/0")):
            answer = await http.post("/v1/events", content=body, headers=headers)
            assert answer.status_code in (400, 422), answer.text
            assert [one["pointer"] for one in answer.json()["errors"]] == [f"{at}/{name}"]
    assert bus.rooms.journal.last_position() == 0


def python_json(value: Any) -> str:
    """As Python writes it, which writes more than the bus."""
    return standard_json.dumps(value)


@sqlite_alone
@pytest.mark.parametrize("value", ["", "bukan jejak", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "é", None])
@pytest.mark.parametrize("is_served", [False, True], ids=["framework", "short way"])
async def test_a_trace_that_is_not_well_formed_is_taken_and_tells_nothing(
    bus: Bus, value: Any, is_served: bool
) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    async with bus.served() as address:
        http = bus.reader(OWNER, "events.publish", **({"address": address} if is_served else {}))
        for duplicate in (False, True):
            answer = await http.post("/v1/events", json=an_event(traceparent=value), headers=STRUCTURED)
            assert (answer.status_code, answer.json()["duplicate"]) == (202, duplicate)


@sqlite_alone
@pytest.mark.parametrize("header", ["5", "\x7f", "x" * 2000, "00-é", "00-xyz-01"])
async def test_a_trace_in_a_header_that_is_not_well_formed_is_ignored(bus: Bus, header: str) -> None:
    bus.apply(a_document(a_grant(OWNER)))
    http = bus.reader(OWNER, "events.publish", "events.read")
    headers = STRUCTURED | {"traceparent": header.encode("latin-1")}
    answer = await http.post("/v1/events", content=python_json(an_event()), headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 202, answer.text
    assert "traceparent" not in (await http.get("/v1/events/1")).json()["event"]


@sqlite_alone
async def test_a_log_that_cannot_be_written_is_no_failure_of_a_committed_event(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    event = an_event(traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    producer = bus.reader(OWNER, "events.publish")
    with a_full_log():
        answer = await producer.post("/v1/events", json=event, headers=STRUCTURED)
    assert answer.status_code == 202


@sqlite_alone
async def test_a_sunset_on_the_last_day_of_all_is_no_failure_of_a_committed_event(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    bus.rooms.catalogue.registrar.deprecate(WARGA, "1.0.0", bus.operator, sunset=date.max)
    answer = await bus.reader(OWNER, "events.publish").post("/v1/events", json=an_event(), headers=STRUCTURED)
    assert (answer.status_code, "9999" in answer.headers["sunset"]) == (202, True)


@sqlite_alone
async def test_odd_events_that_were_committed_before_are_read_and_delivered(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda"), a_grant("dinkes", mask={"/nik": "pseudonym"}, fields=["/nik"])))
    sender = Principal(OWNER, "client_x", frozenset(), 0, "token_x")
    submission = bus.rooms.gate.admit(an_event(), sender)
    odd = an_event(traceparent=5, partitionkey=7, tracestate={"a": [1]}, loket=2**40, subject=a_nik(1))
    await bus.rooms.appender.append([submission._replace(body=json.dumps(odd))])
    (entry,) = bus.rooms.journal.at([1]).values()
    assert read_traceparent(entry.body) is None
    for reader in ("bapenda", "dinkes"):
        http: httpx.AsyncClient = bus.reader(reader)
        for path in (f"feeds/{WARGA}", f"records/{WARGA}", "events/1"):
            assert (await http.get(f"/v1/{path}")).status_code == 200


# What left the rows.

LEFT = {"rows": [{"exact": {"desa": "sembung"}}]}
STAMP = "2026-02-0{}T08:00:00Z"


async def people_who_left(bus: Bus) -> str:
    """A contract with a record that left the village's rows at the second position; the cursor before."""
    bus.apply(a_document(a_grant("bapenda", **LEFT), attributes=["tujuan"]))
    await bus.publish(a_person(1), time=STAMP.format(1), tujuan="sembung")
    before: str = (await bus.reader("bapenda").get(f"/v1/records/{WARGA}")).json()["next"]
    await bus.publish(a_person(1, desa="paciran"), time=STAMP.format(2), tujuan="paciran")
    return before


@sqlite_alone
@pytest.mark.parametrize("later", [a_person(1, desa="brondong"), None], ids=["changed", "deleted"])
async def test_a_record_that_left_the_rows_is_shown_as_it_left_whatever_came_later(bus: Bus, later: Any) -> None:
    before = await people_who_left(bus)
    http = bus.reader("bapenda")
    read = {"after": before}
    (left,) = (await http.get(f"/v1/records/{WARGA}", params=read)).json()["records"]
    assert (left["sequence"], left["data"]) == (f"{2:020}", None)
    assert not left.keys() & {"time", "tujuan", "dataschema"}
    await bus.publish(later, subject=a_nik(1), time=STAMP.format(3), tujuan="brondong")
    page = (await http.get(f"/v1/records/{WARGA}", params=read)).json()
    assert page["records"] == [left]
    assert (await http.get(f"/v1/records/{WARGA}", params={"after": page["next"]})).json()["records"] == []
    events = (await http.get(f"/v1/feeds/{WARGA}")).json()["events"]
    assert events[1:] == [left]
    assert (await http.get("/v1/events/2")).json()["event"] == left
    assert (await http.get("/v1/events/3")).status_code == 404


@sqlite_alone
@pytest.mark.parametrize("accept", ["application/json", "application/json;q=0.9"], ids=["short way", "route"])
async def test_a_departure_is_not_lost_where_a_page_ends_before_the_records_next_change(bus: Bus, accept: str) -> None:
    after = await people_who_left(bus)
    await bus.publish(a_person(2))
    await bus.publish(a_person(1, desa="brondong"))
    http, seen = bus.reader("bapenda"), []
    for _ in range(3):
        read = {"after": after, "limit": 1}
        page = (await http.get(f"/v1/records/{WARGA}", params=read, headers={"accept": accept})).json()
        seen += [(one["subject"], one["data"] is None) for one in page["records"]]
        after = page["next"]
    assert seen == [(a_nik(2), False), (a_nik(1), True)]


@sqlite_alone
async def test_who_read_the_departure_reads_nothing_more_of_who_left(bus: Bus) -> None:
    before = await people_who_left(bus)
    http = bus.reader("bapenda")
    after = (await http.get(f"/v1/records/{WARGA}", params={"after": before})).json()["next"]
    for later in (a_person(1, desa="brondong"), None, a_person(1, desa="babat")):
        await bus.publish(later, subject=a_nik(1), time=STAMP.format(3), tujuan="brondong")
        page = (await http.get(f"/v1/records/{WARGA}", params={"after": after})).json()
        assert page["records"] == []
        after = page["next"]


@sqlite_alone
async def test_a_delivery_of_a_departure_shows_nothing_that_its_publisher_wrote(bus: Bus) -> None:
    await people_who_left(bus)
    entries = bus.rooms.journal.at([1, 2])
    view = bus.rooms.catalogue.view(WARGA, "bapenda", entries[2].version_id, date(2026, 11, 24))
    delivered = json.loads(apply_view(entries[2], view, lambda _: entries[1]) or b"")
    assert delivered["data"] is None
    assert not delivered.keys() & {"time", "tujuan", "dataschema"}


@sqlite_alone
async def test_a_page_holds_no_histories_of_its_records(bus: Bus) -> None:
    before = await people_who_left(bus)
    for _ in range(16):
        await bus.publish_all([a_person(one, desa="paciran", nama="x" * 300_000) for one in range(2, 10)])
    # A large head would end the page itself.
    await bus.publish_all([a_person(one, desa="paciran") for one in range(2, 10)])
    tracemalloc.start()
    try:
        answer = await bus.reader("bapenda").get(f"/v1/records/{WARGA}", params={"after": before})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [one["sequence"] for one in answer.json()["records"]] == [f"{2:020}"]
    assert peak < 5 * MOST_BYTES, peak
    assert bus.rooms.journal.last_position() == 2 + 17 * 8


@sqlite_alone
async def test_a_page_that_walked_enough_ends_and_the_next_goes_on(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bus.http.scan._MOST_LOOKED_AT", 1000)
    bus.apply(a_document(a_grant("bapenda", **LEFT)))
    for _ in range(9):
        await bus.publish_all([a_person(one, desa="paciran") for one in range(1, 4)])
    await bus.publish(a_person(4))
    http, after, pages = bus.reader("bapenda"), "", []
    while not pages or not pages[-1]:
        page = (await http.get(f"/v1/records/{WARGA}", params={"after": after})).json()
        pages.append([one["data"] for one in page["records"]])
        after = page["next"]
    assert pages[-1] == [a_person(4)]
    assert 2 <= len(pages) <= 4
