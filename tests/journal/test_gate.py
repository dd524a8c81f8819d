"""The gate: what decides before what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.identity.tokens import Principal
from bus.journal import envelope
from bus.journal.gate import DataInvalid, EventMalformed, EventTooLarge
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_person, an_event


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


ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "traceparent", "sequence"]
    ),
    st.text(max_size=3)
    | st.sampled_from(
        ["2026-02-03T04:05:06Z", "2026-02-03T04:05:06.7+07:00", "٢026-02-03T04:05:06Z", "application/json"]
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
