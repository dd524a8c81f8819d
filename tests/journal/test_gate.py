"""The gate: what decides before what."""

from decimal import Decimal
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.contracts import NumberChanged
from bus.identity.tokens import Principal
from bus.journal import envelope
from bus.journal.gate import EventMalformed, EventTooLarge
from tests.a_bus import OWNER, WARGA, Bus, a_contract, a_person


async def test_what_is_too_large_is_refused_before_its_data_are_looked_at(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    bus.apply(a_contract(delivery={"max_bytes": 1024}))
    judged = Mock(return_value=True)
    monkeypatch.setattr(bus.rooms.catalogue.newest(WARGA).validator, "is_valid", judged)
    sender = Principal(OWNER, "client_x", frozenset(), 0, "token_x")
    event = {"specversion": "1.0", "id": "1", "source": "/uji", "type": WARGA}
    bus.rooms.gate.admit({**event, "data": a_person()}, sender)
    with pytest.raises(EventTooLarge):
        bus.rooms.gate.admit({**event, "data": a_person(nama="x" * 1024)}, sender)
    assert judged.call_count == 1


@pytest.mark.parametrize("value", ["\ud83d", 2**64])
async def test_what_an_agency_can_write_and_json_in_utf8_cannot_is_refused(bus: Bus, value: object):
    bus.apply(a_contract())
    sender = Principal(OWNER, "adapter:ksp", frozenset(), 0, "")
    event = {"specversion": "1.0", "id": "1", "source": "/uji", "type": WARGA, "data": a_person(nama=value)}
    with pytest.raises(EventMalformed) as refused:
        bus.rooms.gate.admit(event, sender)
    assert [error.pointer for error in refused.value.errors] == ["/data"]


async def test_a_number_of_an_agency_that_json_cannot_hold_is_pointed_at(bus: Bus):
    bus.apply(a_contract())
    sender = Principal(OWNER, "adapter:ksp", frozenset(), 0, "")
    data = a_person(nama=[1, Decimal("18446744073709551617")])
    with pytest.raises(NumberChanged) as refused:
        bus.rooms.gate.admit({"specversion": "1.0", "id": "1", "source": "/uji", "type": WARGA, "data": data}, sender)
    assert [error.pointer for error in refused.value.errors] == ["/data/nama/1"]


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
