"""A record's history: what the feed shows of its key, newest first."""

import asyncio
from typing import Any

import pytest

from bus import clock
from bus.disclosures import Wanted
from bus.http.cursors import Listing, write_position
from bus.http.sealed_cursors import seal_pair
from tests.a_bus import Bus
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person

RECORD = f"/v1/records/{WARGA}/{a_nik(1)}/history"
SEMBUNG = [{"exact": {"desa": "sembung"}}]

only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def cursor_at(bus: Bus, participant: str, position: int) -> str:
    """The cursor that the bus writes behind an event, of whatever record it is."""
    version, today = bus.rooms.catalogue.newest(WARGA), clock.local_date(clock.now())
    view = bus.rooms.catalogue.view(WARGA, participant, version.id, today)
    return seal_pair(view.make_key("cursors of histories"), (bus.rooms.epochs.current, position))


def data(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.text
    return [event["data"] for event in answer.json()["events"]]


async def test_the_events_of_a_record_come_newest_first_in_pages(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", fields=["/nik", "/nama"])))
    await bus.publish_all([a_person(1, nama="A"), a_person(2), a_person(1, nama="B")])
    await bus.publish(None, subject=a_nik(1))
    await bus.publish(a_person(1, nama="C"))
    client = bus.reader("dinkes")
    first = await client.get(RECORD, params={"limit": 3})
    second = await client.get(RECORD, params={"limit": 3, "after": first.json()["next"]})
    assert [one and one["nama"] for one in data(first)] == ["C", None, "B"]
    assert [one and one["nama"] for one in data(second)] == ["A"]
    assert second.json()["next"] is None
    found = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(participant="dinkes"), None, 10)
    assert sorted(position for one in found for position in one.positions) == [1, 3, 4, 5]


async def test_what_the_record_was_outside_the_rows_is_not_shown(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish_all(
        [a_person(1, desa="babat"), a_person(1), a_person(1, desa="paciran"), a_person(1, desa="babat")]
    )
    answer = await bus.reader("desa-sembung").get(RECORD)
    assert data(answer) == [None, a_person(1)]
    assert "paciran" not in answer.text
    assert "babat" not in answer.text


@only_once
async def test_a_record_that_was_never_in_the_rows_is_as_one_that_is_absent(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bus.http.record_history._MOST", 2)
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish_all([a_person(1, desa="babat", nama=str(n)) for n in range(5)])
    client = bus.reader("desa-sembung")
    hidden = await client.get(RECORD)
    absent = await client.get(f"/v1/records/{WARGA}/{a_nik(9)}/history")
    assert (hidden.status_code, hidden.content) == (404, absent.content)


@only_once
async def test_a_cursor_at_its_event_does_not_tell_that_a_hidden_record_is_there(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish_all([a_person(1, desa="babat"), a_person(2, desa="babat")])
    client = bus.reader("desa-sembung")
    cursors = [{"after": cursor_at(bus, "desa-sembung", position)} for position in (1, 2)]
    paths = (RECORD, f"/v1/records/{WARGA}/{a_nik(9)}/history")
    answers = [await client.get(path, params=after) for path in paths for after in ({}, *cursors)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}


@only_once
async def test_a_cursor_that_brings_nothing_leaves_a_disclosure_since_it_tells_that_the_record_is_there(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(1), a_person(2)])
    client = bus.reader("dinkes")
    for position, status in ((1, 200), (2, 400)):
        answer = await client.get(RECORD, params={"after": cursor_at(bus, "dinkes", position)})
        assert answer.status_code == status
        (found,) = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(person=a_nik(1)), None, 10)
    assert found.times == 2


@only_once
async def test_a_cursor_of_another_record_is_refused(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(1), a_person(2)])
    answer = await bus.reader("dinkes").get(RECORD, params={"after": cursor_at(bus, "dinkes", 2)})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:bus:problem:cursor-invalid")


@only_once
async def test_a_cursor_tells_no_position_and_nobody_else_can_write_one(bus: Bus):
    bus.apply(a_document(a_grant("dinkes"), a_grant("dinsos")))
    await bus.publish_all([a_person(1, nama=name) for name in "ABC"])
    client = bus.reader("dinkes")
    cursor = (await client.get(RECORD, params={"limit": 1})).json()["next"]
    assert [one["nama"] for one in data(await client.get(RECORD, params={"after": cursor}))] == ["B", "A"]
    assert cursor != (await client.get(RECORD, params={"limit": 1})).json()["next"]
    for tried in (write_position(Listing.FEED, WARGA, 3), cursor[:-1], f"{cursor}A", cursor_at(bus, "dinsos", 3)):
        assert (await client.get(RECORD, params={"after": tried})).status_code == 400


@only_once
async def test_who_sees_keys_masked_may_not_ask_for_a_history(bus: Bus):
    bus.apply(a_document(a_grant("bapenda", mask={"/nik": "pseudonym"})))
    await bus.publish(a_person(1))
    answer = await bus.reader("bapenda").get(RECORD)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:bus:problem:key-hidden")


@only_once
async def test_an_event_of_a_version_that_masked_the_key_is_left_out(bus: Bus):
    bus.apply(a_document(a_grant("bapenda", mask={"/nik": "pseudonym"})))
    await bus.publish(a_person(1, nama="Lama"))
    bus.apply(a_document(a_grant("bapenda"), version="1.1.0"))
    await bus.publish(a_person(1, nama="Baru"))
    answer = await bus.reader("bapenda").get(RECORD)
    assert [one["nama"] for one in data(answer)] == ["Baru"]
