"""Opening events: outlined without values, opened with a reason that is on disk before the answer."""

import pytest

from bus import json
from bus.actions import Verb
from bus.disclosures import HIDDEN, Channel, EventUnknown, Found, ReasonMissing, Wanted, hide_values
from tests.a_bus import Bus
from tests.a_full_table import refuse_rows
from tests.an_actor import OPERATOR, actions, an_actor
from tests.builders import OWNER, WARGA, a_document, a_grant, a_person, of_nobody

WHY = "keluhan warga nomor 12"


@pytest.fixture
async def position(bus: Bus) -> int:
    """The position of an event about a person, of which bapenda gets the name."""
    bus.apply(a_document(a_grant("bapenda", fields=["/nama"])))
    return await bus.publish(a_person(1))


def opened(bus: Bus) -> list[Found]:
    return bus.rooms.disclosures.search(Wanted(channel=Channel.OPENING), None, 10)


async def test_an_outline_has_the_names_of_fields_and_no_value_of_a_person(bus: Bus, position: int):
    shown = bus.rooms.openings.outline(position, OPERATOR)
    document = json.loads(shown.text)
    assert document["data"] == dict.fromkeys(a_person(1), HIDDEN)
    assert (document["type"], shown.sender, shown.is_personal) == (WARGA, OWNER, True)
    assert not any(value.encode() in shown.text for value in a_person(1).values())
    assert opened(bus) == []


@pytest.mark.parametrize("value", ["Siti", 7, True, 1.5])
def test_each_value_is_hidden_and_null_is_none(value: object):
    assert hide_values({"a": [value, {"b": value}], "c": None}) == {"a": [HIDDEN, {"b": HIDDEN}], "c": None}


async def test_the_operator_opens_an_event_whole_and_the_reason_is_disclosed(bus: Bus, position: int):
    shown = bus.rooms.openings.open(position, OPERATOR, WHY)
    assert json.loads(shown.text)["data"] == a_person(1)
    (found,) = opened(bus)
    told = found.disclosure
    assert (told.participant, told.purpose, found.positions) == ("operator", WHY, [position])
    (act,) = [one for one in actions(bus.rooms.storage) if one.what is Verb.EVENT_OPEN]
    assert (act.on.id, act.details) == (str(position), {"reason": WHY})


async def test_an_event_is_opened_through_the_grant_of_who_opens_it(bus: Bus, position: int):
    shown = bus.rooms.openings.open(position, an_actor("bapenda"), WHY)
    assert json.loads(shown.text)["data"] == {"nama": a_person(1)["nama"]}
    assert json.loads(bus.rooms.openings.outline(position, an_actor("bapenda")).text)["data"] == {"nama": HIDDEN}
    assert [(one.disclosure.fields, one.disclosure.legal_basis) for one in opened(bus)] == [(["/nama"], "PKS 1/2026")]


async def test_who_has_no_grant_learns_of_no_event(bus: Bus, position: int):
    for look in (bus.rooms.openings.outline, lambda *asked: bus.rooms.openings.open(*asked, WHY)):
        with pytest.raises(EventUnknown):
            look(position, an_actor("dinkes"))
        with pytest.raises(EventUnknown):
            look(position + 1, OPERATOR)
    assert opened(bus) == []


@pytest.mark.parametrize("reason", ["", "  ", "dua\nbaris", "x" * 501])
async def test_nothing_is_opened_without_a_reason(bus: Bus, position: int, reason: str):
    with pytest.raises(ReasonMissing):
        bus.rooms.openings.open(position, OPERATOR, reason)
    assert opened(bus) == []


async def test_a_number_of_a_person_in_a_reason_reaches_no_log(bus: Bus, position: int):
    bus.rooms.openings.open(position, OPERATOR, "keluhan 3524010101909001")
    (found,) = opened(bus)
    assert found.disclosure.purpose == "keluhan …"


async def test_data_about_nobody_leave_an_act_and_no_disclosure(bus: Bus):
    bus.apply(of_nobody(a_document()))
    position = await bus.publish({"nomor": "7"})
    bus.rooms.openings.open(position, OPERATOR, WHY)
    assert opened(bus) == []
    assert Verb.EVENT_OPEN in [one.what for one in actions(bus.rooms.storage)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("table", ["disclosures", "actions"])
async def test_nothing_is_opened_while_the_log_cannot_be_written(bus: Bus, position: int, table: str):
    refuse_rows(bus.rooms.storage, table)
    with pytest.raises(Exception, match="full"):
        bus.rooms.openings.open(position, OPERATOR, WHY)
