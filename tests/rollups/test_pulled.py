"""Pulled events: what readers of feeds and records got counts for them, and waits while the database is away."""

from bus.rollups import Counts, Flow, Span, Traffic, Wanted
from bus.storage import StorageUnavailable
from tests.a_bus import Bus
from tests.builders import WARGA, a_document, a_grant, a_person
from tests.rollups.a_traffic import EVER

OUT = Flow(WARGA, "", "bapenda")


def sums(bus: Bus, span: Span = Span.HOUR) -> dict[Flow, Counts]:
    bus.rooms.pulled.flush()
    return Traffic(bus.rooms.storage).sum_flows(span, Wanted(*EVER))


async def test_what_a_reader_of_feeds_and_records_gets_is_counted(bus: Bus):
    bus.apply(a_document(a_grant("bapenda"), a_grant("dinkes", rows=[{"exact": {"nama": "tidak ada"}}])))
    await bus.publish_all([a_person(1), a_person(2)])
    reader = bus.reader("bapenda", "events.read")
    await reader.get(f"/v1/feeds/{WARGA}")
    assert sums(bus) == {OUT: Counts(pulled=2)}
    await reader.get(f"/v1/records/{WARGA}")
    await bus.reader("dinkes", "events.read").get(f"/v1/feeds/{WARGA}")
    assert sums(bus) == sums(bus, Span.MINUTE) == {OUT: Counts(pulled=4)}


def test_counts_that_the_database_refuses_are_written_later(bus: Bus, monkeypatch):
    tally = bus.rooms.pulled
    tally.note(WARGA, "bapenda", 3)

    def refuse(durable: bool = True) -> None:
        raise StorageUnavailable("It is away.")

    with monkeypatch.context() as patch:
        patch.setattr(bus.rooms.storage, "write", refuse)
        tally.flush()
    tally.note(WARGA, "bapenda", 1)
    assert sums(bus) == {OUT: Counts(pulled=4)}
