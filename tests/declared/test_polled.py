"""A declared list in a bus: pages become events, and each page's cursor is kept with its events."""

from typing import Any

import httpx
import pytest

from bus import json
from bus.agencies import Agencies, Poller
from bus.declared import DeclaredFactory, Mapper, Surroundings
from bus.heavy import Here
from bus.kit import AgencyFault
from bus.storage import make_leadership
from tests.a_bus import Bus
from tests.agencies.a_polled_agency import CLOSED
from tests.builders import WARGA, a_document, a_nik
from tests.declared.a_declared_agency import AnAgency, a_declaration, a_poll

POLL = a_poll(
    contract=WARGA,
    least="personal",
    person="/nik",
    fields=["/nik", "/nama"],
    request={"method": "GET", "path": "/warga", "query": {"halaman": "$page"}},
    paging={"kind": "page"},
    numbers="text",
    key="nik",
    record='{"nik": nik, "nama": nama}',
)
DOCUMENT = a_declaration(POLL)


def a_poller(bus: Bus, agency: AnAgency) -> Poller:
    around = Surroundings(transport=httpx.MockTransport(agency), mapper=Mapper("badan", Here()))
    agencies = Agencies({"badan": {}}, {"badan": lambda: DeclaredFactory(DOCUMENT, around)})
    rooms, leads = bus.rooms, make_leadership(bus.rooms.storage, "poller")
    return Poller(rooms.storage, agencies, rooms.gate, rooms.recorder, rooms.appender, leads, rooms.heavy)


def a_page(*numbers: int, nama: Any = "Siti") -> httpx.Response:
    return httpx.Response(200, json={"data": [{"nik": int(a_nik(number)), "nama": nama} for number in numbers]})


async def all_steps(poller: Poller) -> int:
    steps = 1
    while await poller.step("badan", DeclaredFactory(DOCUMENT).operations[0]):
        steps += 1
    return steps


@pytest.fixture
def agreed(bus: Bus) -> Bus:
    uses = [{"adapter": "badan", "operation": "tarik"}]
    bus.apply(a_document(version="1.0.0", producers=["badan"], adapters=uses, schema=CLOSED))
    return bus


def told(bus: Bus) -> list[tuple[str, str | None]]:
    """Key and name of each event; None: deleted."""
    positions = list(range(1, bus.rooms.journal.last_position() + 1))
    documents = [json.loads(entry.body) for entry in bus.rooms.journal.at(positions).values()]
    return [(one["subject"], one["data"] and one["data"]["nama"]) for one in documents]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_list_without_marks_becomes_its_changes(agreed: Bus):
    pages = [a_page(1, 2), a_page(3), a_page()]
    again = [a_page(1, 2, nama="Siti"), a_page(3, nama="Budi"), a_page()]
    poller = a_poller(agreed, AnAgency([*pages, *again]))
    assert [await all_steps(poller), await all_steps(poller)] == [3, 3]
    assert told(agreed) == [(a_nik(1), "Siti"), (a_nik(2), "Siti"), (a_nik(3), "Siti"), (a_nik(3), "Budi")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_poll_that_breaks_off_goes_on_at_the_page_that_failed(agreed: Bus):
    with pytest.raises(AgencyFault):
        await all_steps(a_poller(agreed, AnAgency([a_page(1), httpx.Response(503)])))
    assert told(agreed) == [(a_nik(1), "Siti")]
    agency = AnAgency([a_page(2), a_page()])
    await all_steps(a_poller(agreed, agency))
    assert [request.url.query for request in agency.requests] == [b"halaman=2", b"halaman=3"]
    assert told(agreed) == [(a_nik(1), "Siti"), (a_nik(2), "Siti")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_row_that_the_contract_refuses_is_set_aside_and_the_others_arrive(agreed: Bus):
    rows = [{"nik": int(a_nik(1)), "nama": "x" * 21}, {"nik": int(a_nik(2)), "nama": "Ani"}, {"nik": None}]
    await all_steps(a_poller(agreed, AnAgency([httpx.Response(200, json={"data": rows}), a_page()])))
    assert told(agreed) == [(a_nik(2), "Ani")]
    assert a_nik(1) in [one.key for one in agreed.rooms.set_aside.search()]
