"""The gate: what decides before what."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import json
from bus.contracts import NumberChanged
from bus.identity.tokens import Principal
from bus.journal import Submission, envelope
from bus.journal.checking import MOST_PERSONS
from bus.journal.gate import DataInvalid, EventMalformed, EventTooLarge
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_nik, a_person, an_event


async def test_what_is_too_large_is_refused_before_its_data_are_looked_at(bus: Bus):
    bus.apply(a_document(delivery={"max_bytes": 1024}))
    sender = Principal(OWNER, "client_x", frozenset(), 0, "token_x")
    for nama, refusal in ((["x"], DataInvalid), (["x" * 1024], EventTooLarge)):
        with pytest.raises(refusal):
            bus.rooms.gate.admit(an_event(data=a_person(nama=nama)), sender)


@pytest.mark.parametrize("value", ["\ud83d", 2**64])
async def test_what_an_agency_can_write_and_json_in_utf8_cannot_is_refused(bus: Bus, value: object):
    bus.apply(a_document())
    sender = Principal(OWNER, "adapter:ksp", frozenset(), 0, "")
    event = an_event(data=a_person(nama=value))
    with pytest.raises(EventMalformed) as refused:
        bus.rooms.gate.admit(event, sender)
    assert [error.pointer for error in refused.value.errors] == ["/data"]


async def test_a_number_of_an_agency_that_json_cannot_hold_is_pointed_at(bus: Bus):
    bus.apply(a_document())
    sender = Principal(OWNER, "adapter:ksp", frozenset(), 0, "")
    data = a_person(nama=[1, Decimal("18446744073709551617")])
    with pytest.raises(NumberChanged) as refused:
        bus.rooms.gate.admit({"specversion": "1.0", "id": "1", "source": "/uji", "type": WARGA, "data": data}, sender)
    assert [error.pointer for error in refused.value.errors] == ["/data/nama/1"]


FAMILY = {
    "type": "object",
    "properties": {"nik": {"type": "string"}, "nik_anak": {"type": "array", "items": {"type": ["string", "integer"]}}},
    "required": ["nik"],
}


def admit(bus: Bus, data: object, **attributes: object) -> Submission:
    sender = Principal(OWNER, "client_x", frozenset(), 0, "token_x")
    event = {"specversion": "1.0", "id": "1", "source": "/uji", "type": WARGA, "data": data, **attributes}
    return bus.rooms.gate.admit(event, sender)


@pytest.mark.parametrize(
    ("data", "person"),
    [
        ({"nik": a_nik(1)}, a_nik(1)),
        ({"nik": a_nik(1), "nik_anak": [a_nik(1)]}, a_nik(1)),
        ({"nik": a_nik(2), "nik_anak": [a_nik(1), int(a_nik(3)), ""]}, f'["{a_nik(1)}","{a_nik(2)}","{a_nik(3)}"]'),
        ({"nik": "[1"}, '["[1"]'),
    ],
)
async def test_a_submission_names_each_person_once(bus: Bus, data: object, person: str):
    bus.apply(a_document(schema=FAMILY))
    assert admit(bus, data).person == person


async def test_an_odd_key_of_a_deleted_record_looks_like_no_array(bus: Bus):
    bus.apply(a_document())
    assert admit(bus, None, subject="[]").person == '["[]"]'


async def test_an_event_with_more_persons_than_can_be_noted_is_refused_with_the_reason(bus: Bus):
    bus.apply(a_document(schema=FAMILY))
    children = [a_nik(number) for number in range(MOST_PERSONS)]
    assert admit(bus, {"nik": children[0], "nik_anak": children}).person == json.dumps(children).decode()
    with pytest.raises(DataInvalid) as refused:
        admit(bus, {"nik": a_nik(MOST_PERSONS), "nik_anak": children})
    (error,) = refused.value.errors
    assert (refused.value.status, error.pointer, str(MOST_PERSONS) in error.detail) == (422, "/data", True)


ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "traceparent", "sequence"]
    ),
    st.text(max_size=3)
    | st.sampled_from(
        ["2026-02-03T04:05:06Z", "2026-02-03T04:05:06.7+07:00", "٢026-02-03T04:05:06Z", "application/json"]
    )
    | st.sampled_from(
        ["2023-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "9999-12-31T23:59:59-01:00", "2016-12-31T23:59:60Z"]
    )
    | st.sampled_from(
        ["/", "//a:b", "a:b:c", "http://", "1a:b", "a b", "a\ufffe", "\U0001ffff", "2026-01-01t00:00:00z"]
    )
    | st.sampled_from(["application/vnd.x+json", "x" * 1024, "x" * 1025, "\x85", "\ud800", "é\n"])
    | st.integers()
    | st.booleans(),
)


@given(ATTRIBUTES, st.booleans())
def test_the_quick_look_at_an_envelope_takes_none_that_is_wrong(attributes: dict[str, object], is_whole: bool):
    required = {"specversion": "1.0", "id": "1", "source": "/uji", "type": WARGA} if is_whole else {}
    event = required | attributes
    assert envelope.find_wrong_attributes(event) == envelope._find_wrong(event)
