"""An event's reference, for agencies that take no id."""

from dataclasses import replace

from bus.kit import Event

EVENT = Event(id="1", source="/dpupr", type="uji", data={"isi": "sama"})


def test_each_delivery_of_an_event_has_the_same_reference():
    assert replace(EVENT, position=7).reference == EVENT.reference
    assert len(EVENT.reference) == 10


def test_events_with_the_same_data_have_references_of_their_own():
    others = [replace(EVENT, id="2"), replace(EVENT, source="/dinkes"), replace(EVENT, publisher="dinkes")]
    assert len({EVENT.reference, *(other.reference for other in others)}) == 4
