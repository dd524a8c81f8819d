"""Looks: who searches for a person is disclosed too, before the answer and in it."""

import pytest

from bus.actions import Verb
from bus.disclosures import Channel, ReasonMissing, Wanted
from tests.a_bus import Bus
from tests.a_full_table import refuse_rows
from tests.an_actor import OPERATOR, actions, an_actor, raw_log
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person

WHY = "permintaan nomor 7"
AUDITOR = an_actor("inspektorat")


async def read_by_dinkes(bus: Bus) -> None:
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(1), a_person(2)])
    await bus.reader("dinkes").get(f"/v1/feeds/{WARGA}")


async def test_a_look_stands_first_in_its_own_answer(bus: Bus):
    await read_by_dinkes(bus)
    found = bus.rooms.looks.find_person(a_nik(1), None, 10, AUDITOR, WHY)
    told = [(one.disclosure.participant, one.disclosure.channel, one.disclosure.purpose) for one in found]
    assert told == [("inspektorat", Channel.LOOKUP, WHY), ("dinkes", Channel.FEED, "uji")]
    assert bus.rooms.looks.find_person(a_nik(1), found[-1].place, 10, AUDITOR, WHY) == []


async def test_a_look_at_one_person_is_not_told_to_another(bus: Bus):
    await read_by_dinkes(bus)
    bus.rooms.looks.find_person(a_nik(1), None, 10, AUDITOR, WHY)
    found = bus.rooms.disclosures.search(Wanted(a_nik(2)), None, 10)
    assert [one.disclosure.channel for one in found] == [Channel.FEED]


async def test_no_reason_no_answer_and_no_entry(bus: Bus):
    with pytest.raises(ReasonMissing):
        bus.rooms.looks.find_person(a_nik(1), None, 10, AUDITOR, " ")
    assert bus.rooms.disclosures.search(Wanted(a_nik(1)), None, 10) == []


async def test_the_action_log_has_the_reason_and_not_the_person(bus: Bus):
    bus.rooms.looks.find_person(a_nik(1), None, 10, OPERATOR, WHY)
    (act,) = [one for one in actions(bus.rooms.storage) if one.what is Verb.DISCLOSURES_READ]
    assert act.details == {"subject": True, "by": ["subject"], "further": False, "export": False, "reason": WHY}
    assert a_nik(1) not in raw_log(bus.rooms.storage)


async def test_a_search_by_channel_finds_that_channel_alone(bus: Bus):
    await read_by_dinkes(bus)
    bus.rooms.looks.find_person(a_nik(1), None, 10, AUDITOR, WHY)
    found = bus.rooms.disclosures.search(Wanted(channel=Channel.LOOKUP), None, 10)
    assert [one.disclosure.purpose for one in found] == [WHY]


async def test_the_persons_of_rows_are_those_of_their_events_and_lookups(bus: Bus):
    await read_by_dinkes(bus)
    bus.rooms.looks.find_person(a_nik(3), None, 10, AUDITOR, WHY)
    rows = bus.rooms.disclosures.search(Wanted(), None, 10)
    assert bus.rooms.disclosures.find_persons(rows) == {a_nik(1), a_nik(2), a_nik(3)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nobody_is_looked_up_while_the_log_cannot_be_written(bus: Bus):
    await read_by_dinkes(bus)
    refuse_rows(bus.rooms.storage, "disclosures")
    with pytest.raises(Exception, match="full"):
        bus.rooms.looks.find_person(a_nik(1), None, 10, AUDITOR, WHY)
