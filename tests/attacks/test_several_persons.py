"""A wife, a mother or a father learns by the own number who received the data, on every way."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from bus import json
from bus.delivery.subscription import AgencySink, Webhook
from bus.disclosures import Channel, Wanted
from bus.identity.keys import Keys
from bus.storage import Storage
from tests.a_bus import Bus
from tests.an_agency import AGENCY, ASK, TAKE, AnAdapter, agencies_with, join
from tests.attacks.a_live_bus import TAKEN, a_live_bus, a_sink, says, subscribe, until
from tests.builders import Document, a_document, a_grant, a_nik

PERISTIWA, TANYA = "kependudukan.nikah", "kependudukan.keluarga"
CHILD, MOTHER, FATHER, WIFE, NOBODY = map(a_nik, range(1, 6))
NIK = {"type": "string", "pattern": "^[1-9][0-9]{15}$"}
BIRTH = {"nik": CHILD, "kelahiran": {"nik_ibu": MOTHER, "nik_ayah": FATHER}}
MARRIAGE = {"nik": FATHER, "pasangan": {"nik": WIFE}, "saksi": [MOTHER]}


def an_object(**properties: Any) -> Document:
    return {"type": "object", "properties": properties, "additionalProperties": False}


EVENT = an_object(
    nik=NIK,
    kelahiran=an_object(nik_ibu=NIK, nik_ayah=NIK),
    pasangan=an_object(nik=NIK, nama={"type": "string"}),
    saksi={"type": "array", "items": NIK},
)


def events(*grants: Document, **changes: Any) -> Document:
    """A contract of events that name several persons."""
    schema = EVENT | {"required": ["nik"]}
    return a_document(*grants, **{"contract": PERISTIWA, "kind": "event", "key": None, "schema": schema} | changes)


def families(*grants: Document) -> Document:
    """A contract of a query whose answer names several persons."""
    member = an_object(nik=NIK, nama={"type": "string"})
    answer = an_object(ditemukan={"type": "boolean"}, anggota={"type": "array", "items": member})
    return events(
        *grants,
        contract=TANYA,
        kind="query",
        schema=None,
        request=an_object(nik=NIK, nik_pasangan=NIK) | {"required": ["nik"]},
        answer=answer,
        adapters=[{"adapter": AGENCY, "operation": ASK}],
        producers=[AGENCY],
    )


async def told(bus: Bus, person: str) -> set[tuple[str, Channel]]:
    """Who received a person's data, by which way."""
    found = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(person), None, 100)
    return {(one.disclosure.participant, one.disclosure.channel) for one in found}


async def publish(bus: Bus, *data: Document) -> list[int]:
    return await bus.publish_all(list(data), type=PERISTIWA)


READS = {
    "a feed": (f"/v1/feeds/{PERISTIWA}", Channel.FEED),
    "an event": ("/v1/events/1", Channel.EVENT),
}


@pytest.mark.parametrize(("url", "channel"), READS.values(), ids=READS)
async def test_every_person_in_an_event_that_was_read_is_found(bus: Bus, url: str, channel: Channel):
    bus.apply(events(a_grant("dinkes")))
    await publish(bus, BIRTH, MARRIAGE)
    assert (await bus.reader("dinkes").get(url)).status_code == 200
    assert [await told(bus, person) for person in (CHILD, MOTHER, FATHER)] == [{("dinkes", channel)}] * 3
    assert await told(bus, WIFE) == ({("dinkes", channel)} if channel is Channel.FEED else set())
    assert await told(bus, NOBODY) == set()


RECORDS = {
    "a page of records": {"url": f"/v1/records/{PERISTIWA}"},
    "one record": {"url": f"/v1/records/{PERISTIWA}/{CHILD}"},
    "a snapshot": {"url": f"/v1/records/{PERISTIWA}", "headers": {"accept": "application/x-ndjson"}},
    "a spreadsheet": {"url": f"/v1/records/{PERISTIWA}", "headers": {"accept": "text/csv"}},
}


@pytest.mark.parametrize("request_of", RECORDS.values(), ids=RECORDS)
async def test_every_person_in_a_record_that_was_read_is_found(bus: Bus, request_of: Any):
    bus.apply(events(a_grant("dinkes"), kind="record", key="/nik"))
    await publish(bus, BIRTH)
    assert (await bus.reader("dinkes").get(**request_of)).status_code == 200
    for person in (CHILD, MOTHER, FATHER):
        assert await told(bus, person) == {("dinkes", Channel.RECORDS)}


async def test_a_person_whose_number_the_grant_hides_is_found_all_the_same(bus: Bus):
    bus.apply(events(a_grant("dinkes", fields=["/nik", "/pasangan/nama"])))
    await publish(bus, MARRIAGE | {"pasangan": {"nik": WIFE, "nama": "Rekaan"}})
    page = (await bus.reader("dinkes").get(f"/v1/feeds/{PERISTIWA}")).text
    assert ("Rekaan" in page, WIFE in page) == (True, False)
    assert await told(bus, WIFE) == {("dinkes", Channel.FEED)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_every_person_in_an_event_that_was_checked_apart_is_found(bus: Bus):
    bus.apply(events(a_grant("dinkes"), a_grant("dukcapil-lamongan"), delivery={"max_bytes": 100_000}))
    large = MARRIAGE | {"pasangan": {"nik": WIFE, "nama": "x" * 60_000}}
    event = {"specversion": "1.0", "id": "1", "source": "/uji", "type": PERISTIWA, "data": large}
    async with bus.served() as address:
        publisher = bus.reader("dukcapil-lamongan", "events.publish", address=address)
        headers = {"content-type": "application/cloudevents+json"}
        answer = await publisher.post("/v1/events", content=json.dumps(event), headers=headers)
        assert answer.status_code == 202, answer.text
    await bus.reader("dinkes").get(f"/v1/feeds/{PERISTIWA}")
    for person in (FATHER, WIFE, MOTHER):
        assert await told(bus, person) == {("dinkes", Channel.FEED)}


async def test_every_person_in_an_event_that_was_delivered_is_found(storage: Storage, bus_keys: Keys, tmp_path: Path):
    async with a_live_bus(storage, bus_keys, tmp_path, agencies_with(AnAdapter())) as bus, a_sink(says(TAKEN)) as sink:
        uses = [{"adapter": AGENCY, "operation": TAKE}]
        bus.apply(events(a_grant("dinkes"), a_grant(AGENCY), adapters=uses))
        await publish(bus, BIRTH, MARRIAGE)
        subscribe(bus, "dinkes", Webhook(sink.url), PERISTIWA)
        subscribe(bus, AGENCY, AgencySink(AGENCY, TAKE), PERISTIWA)
        await until(lambda: len(sink.persons) == 2)
        log = bus.rooms.disclosures
        await until(lambda: bool(log.search(Wanted(participant=AGENCY), None, 1)))
        for person in (CHILD, MOTHER, FATHER, WIFE):
            assert await told(bus, person) == {("dinkes", Channel.WEBHOOK), (AGENCY, Channel.ADAPTER)}
        assert await told(bus, NOBODY) == set()


SPELLED: dict[str, Any] = {
    "in groups": f"{FATHER[:6]} {FATHER[6:12]} {FATHER[12:]}",
    "with a word": f"NIK {FATHER}",
    "as an integer": int(FATHER),
    "as a fraction": float(FATHER),
}


@pytest.mark.parametrize("written", SPELLED.values(), ids=SPELLED)
@pytest.mark.parametrize("others", [{}, {"saksi": [MOTHER]}], ids=["alone", "beside others"])
async def test_a_person_is_found_by_plain_figures_however_the_subject_was_written(bus: Bus, written: Any, others: Any):
    schema = EVENT | {"required": ["nik"], "properties": EVENT["properties"] | {"nik": {"type": ["string", "number"]}}}
    bus.apply(events(a_grant("dinkes"), schema=schema))
    await publish(bus, {"nik": written, **others})
    await bus.reader("dinkes").get(f"/v1/feeds/{PERISTIWA}")
    assert await told(bus, FATHER) == {("dinkes", Channel.FEED)}
    assert await told(bus, NOBODY) == set()


async def test_a_person_is_found_by_plain_figures_in_a_question_that_spells_them(bus: Bus):
    join(bus, AnAdapter({"ditemukan": True, "anggota": []}))
    question = an_object(nik={"type": "string"}) | {"required": ["nik"]}
    bus.apply(families(a_grant("dinkes")) | {"request": question})
    answer = await bus.reader("dinkes", "queries.call").post(f"/v1/queries/{TANYA}", json={"nik": SPELLED["in groups"]})
    assert answer.status_code == 200, answer.text
    assert await told(bus, FATHER) == {("dinkes", Channel.QUERY)}


async def ask(bus: Bus, question: Document, *anggota: str) -> httpx.Response:
    join(bus, AnAdapter({"ditemukan": True, "anggota": [{"nik": nik, "nama": "Rekaan"} for nik in anggota]}))
    bus.apply(families(a_grant("dinkes")))
    return await bus.reader("dinkes", "queries.call").post(f"/v1/queries/{TANYA}", json=question)


async def test_every_person_in_a_question_and_its_answer_is_found(bus: Bus):
    answer = await ask(bus, {"nik": FATHER, "nik_pasangan": WIFE}, FATHER, CHILD, MOTHER)
    assert answer.status_code == 200, answer.text
    for person in (FATHER, WIFE, CHILD, MOTHER):
        assert await told(bus, person) == {("dinkes", Channel.QUERY)}
        (found,) = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(person), None, 10)
        assert found.times == 1
    assert await told(bus, NOBODY) == set()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_answer_that_names_more_persons_than_can_be_disclosed_is_not_told(bus: Bus):
    answer = await ask(bus, {"nik": FATHER}, *(a_nik(n) for n in range(1, 1_100)))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:bus:problem:answer-too-wide")
    assert "Rekaan" not in answer.text
    assert await told(bus, FATHER) == set()
