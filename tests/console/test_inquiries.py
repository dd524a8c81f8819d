"""Pages of the service desk: a request of a data subject, its answer in plain words, its clock and its end."""

import re
from datetime import timedelta

import pytest

from bus import clock
from bus.clock import WIB
from bus.console.moments import tell_left
from bus.console.words import find_words
from bus.disclosures import Channel, Wanted
from bus.inquiries import NewInquiry
from bus.staff import Role
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person
from tests.console.a_console import Browser, Console

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LIST = "/konsol/permintaan"
NEW = {"nik": a_nik(1), "cara": "surat nomor 12"}


@pytest.fixture
async def desk(console: Console, bus: Bus) -> Browser:
    """A browser of the service desk, after dinkes read about two persons."""
    bus.apply(a_document(a_grant("dinkes", purpose="imunisasi", legal_basis="PKS 8/2026", fields=["/nik", "/nama"])))
    console.ensure(OWNER)
    bus.rooms.participants.set_contact(OWNER, "data@dukcapil.example", OPERATOR)
    await bus.publish_all([a_person(1), a_person(2)])
    await bus.reader("dinkes").get(f"/v1/feeds/{WARGA}")
    return console.member(Role.SERVICE_DESK, name="rini")


@only_sqlite
async def test_a_request_gets_a_number_and_its_answer_at_once(desk: Browser, bus: Bus):
    page = await desk.send(LIST, **NEW)
    assert page.status_code == 200
    for told in (
        "Permintaan nomor 1",
        "imunisasi",
        "PKS 8/2026",
        "nama, nik",
        "data@dukcapil.example",
        "surat nomor 12",
    ):
        assert told in page.text, told
    (noted,) = bus.rooms.disclosures.search(Wanted(channel=Channel.LOOKUP), None, 10)
    assert noted.disclosure.purpose == "permintaan subjek data nomor 1: surat nomor 12"
    assert noted.disclosure.purpose in page.text
    assert bus.rooms.inquiries.get(1).person == "•" * 12 + "0001"


@only_sqlite
async def test_the_identifier_is_in_no_list(desk: Browser):
    await desk.send(LIST, **NEW)
    for path in (LIST, f"{LIST}/1"):
        page = (await desk.look(path)).text
        assert a_nik(1) not in page
        assert "0001" in page


@only_sqlite
async def test_a_person_of_whom_nobody_got_data_reads_so(desk: Browser):
    page = (await desk.send(LIST, **(NEW | {"nik": a_nik(7)}))).text
    assert "Tidak ada kantor yang menerima" in page
    assert "imunisasi" not in page
    assert "permintaan subjek data nomor 1" in page


@only_sqlite
@pytest.mark.parametrize(
    "changes", [{"nik": ""}, {"cara": " "}, {"diterima": "2099-01-01T00:00"}, {"diterima": "x"}], ids=str
)
async def test_a_mistake_opens_no_request_and_keeps_what_was_typed(desk: Browser, bus: Bus, changes: dict[str, str]):
    (name,) = changes
    page = await desk.send(LIST, **(NEW | changes))
    assert page.status_code == 422
    assert f'id="e-{name}"' in page.text
    assert f'value="{(NEW | changes)["nik"]}"' in page.text
    assert bus.rooms.inquiries.list_page(10) == []


@only_sqlite
async def test_the_answer_is_shown_again_to_who_types_the_same_person(desk: Browser, bus: Bus):
    await desk.send(LIST, **NEW)
    other = await desk.send(f"{LIST}/1/jawaban", nik=a_nik(2))
    assert other.status_code == 422
    assert "imunisasi" not in other.text
    assert "imunisasi" in (await desk.send(f"{LIST}/1/jawaban", nik=a_nik(1))).text
    file = await desk.send(f"{LIST}/1/jawaban", nik=a_nik(1), bentuk="pdf")
    assert file.content.startswith(b"%PDF-")
    (noted,) = bus.rooms.disclosures.search(Wanted(channel=Channel.LOOKUP), None, 10)
    assert (noted.disclosure.person, noted.times) == (a_nik(1), 3)


@only_sqlite
async def test_a_request_is_closed_with_a_note_and_leaves_the_list(desk: Browser):
    await desk.send(LIST, **NEW)
    assert (await desk.send(f"{LIST}/1/tutup", catatan=" ")).status_code == 422
    assert (await desk.send(f"{LIST}/1/tutup", catatan="diserahkan di loket")).status_code == 303
    assert "diserahkan di loket" in (await desk.look(f"{LIST}/1")).text
    assert "Tidak ada permintaan yang menunggu" in (await desk.look(LIST)).text
    assert "surat nomor 12" in (await desk.look(f"{LIST}?semua=ya")).text
    again = await desk.send(f"{LIST}/1/tutup", catatan="lagi")
    assert (again.status_code, "sudah ditutup" in again.text) == (409, True)


@only_sqlite
async def test_the_clock_begins_when_the_office_received_the_request(desk: Browser, bus: Bus):
    received = clock.now() - timedelta(hours=80)
    await desk.send(LIST, **NEW, diterima=received.astimezone(WIB).strftime("%Y-%m-%dT%H:%M"))
    assert re.search("lewat 8 jam", (await desk.look(LIST)).text)
    made = bus.rooms.inquiries.open(NewInquiry(a_nik(1), "loket"), OPERATOR)
    assert re.search("sisa (3 hari 0 jam|2 hari 23 jam)", (await desk.look(f"{LIST}/{made.number}")).text)


@pytest.mark.parametrize(
    ("minutes", "told"),
    [(30, "sisa 30 menit"), (90, "sisa 1 jam 30 menit"), (3000, "sisa 2 hari 2 jam"), (-61, "lewat 1 jam 1 menit")],
)
def test_the_time_left_is_told_in_words(minutes: int, told: str):
    now = clock.now()
    assert tell_left(now + timedelta(minutes=minutes), now, find_words("id")) == told
