"""What reading a feed leaves in the disclosure log: exactly what was shown, under the grant that showed it."""

import asyncio

from bus.disclosures import Wanted
from tests.a_bus import Bus
from tests.builders import a_document, a_grant, a_person, of_nobody
from tests.http.a_feed import SEMBUNG, disclosed, read, read_to_the_end


async def test_a_disclosure_names_exactly_the_events_of_its_page(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(1), a_person(2), a_person(3), a_person(1)])
    client = bus.reader("dinkes")
    await read_to_the_end(client, limit=2)
    assert await disclosed(bus, person=1) == [(3, 4), (1, 2)]
    assert await disclosed(bus, person=2) == [(1, 2)]
    assert await disclosed(bus, participant="dinkes") == [(3, 4), (1, 2)]


async def test_a_disclosure_is_made_under_each_grant(bus: Bus):
    bus.apply(a_document(a_grant("dinkes", purpose="lama")))
    await bus.publish(a_person(1))
    bus.apply(a_document(a_grant("dinkes", purpose="baru", fields=["/nik"]), version="1.1.0"))
    await bus.publish(a_person(2))
    await read(bus.reader("dinkes"))
    found = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(participant="dinkes"), None, 10)
    assert {(one.disclosure.purpose, tuple(one.disclosure.fields), one.positions[0]) for one in found} == {
        ("lama", ("",), 1),
        ("baru", ("/nik",), 2),
    }


async def test_what_was_filtered_out_is_not_disclosed(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    await bus.publish_all([a_person(1), a_person(2, desa="paciran")])
    await read(bus.reader("desa-sembung"))
    assert await disclosed(bus, participant="desa-sembung") == [(1,)]


async def test_an_empty_page_discloses_nothing(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await read(bus.reader("dinkes"))
    assert await disclosed(bus, participant="dinkes") == []


async def test_data_about_nobody_are_not_disclosed(bus: Bus):
    bus.apply(of_nobody(a_document(a_grant("dinkes"))))
    await bus.publish({"nomor": "1"})
    assert len((await read(bus.reader("dinkes")))["events"]) == 1
    assert await disclosed(bus, participant="dinkes") == []
