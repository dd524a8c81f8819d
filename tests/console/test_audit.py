"""Pages of the auditor: who got which personal data, what one client got, and files of it."""

import csv
from dataclasses import replace
from io import StringIO
from typing import Any

import httpx
import pytest

from bus.actions import Verb
from bus.disclosures import Channel, Wanted
from bus.staff import Role
from tests.a_bus import Bus
from tests.an_actor import OPERATOR, actions
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person
from tests.console.a_console import Browser, Console

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LOG = "/konsol/pengungkapan"
PERSON = "/konsol/orang"
BREACH = "/konsol/pelanggaran"
WHY = "surat tugas 12"
WINDOW = {"sejak": "2020-01-01T00:00", "sampai": "2099-01-01T00:00"}


@pytest.fixture
async def auditor(console: Console, bus: Bus) -> Browser:
    """A browser of an auditor, after dinkes and bapenda read about two persons."""
    bus.apply(a_document(a_grant("dinkes", purpose="imunisasi"), a_grant("bapenda", fields=["/nik"], purpose="pajak")))
    await bus.publish_all([a_person(1), a_person(2)])
    for name in ("dinkes", "bapenda"):
        await bus.reader(name).get(f"/v1/feeds/{WARGA}")
    return console.member(Role.AUDITOR, name="sari")


def clients(bus: Bus, participant: str) -> list[str]:
    return [one.client_id for one in bus.rooms.participants.list_clients(participant, 10)]


async def look(browser: Browser, path: str, **params: Any) -> httpx.Response:
    return await browser.http.get(path, params=params)


def rows_of(answer: httpx.Response) -> list[list[str]]:
    return list(csv.reader(StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_the_log_is_narrowed_by_what_is_typed(auditor: Browser, bus: Bus):
    whole = (await look(auditor, LOG)).text
    assert "imunisasi" in whole
    assert "pajak" in whole
    for narrowed in ({"peserta": "dinkes"}, {"klien": clients(bus, "dinkes")[0]}, {"tujuan": "imunisasi"}):
        page = (await look(auditor, LOG, **narrowed)).text
        assert "<bdi>imunisasi</bdi>" in page, narrowed
        assert "<bdi>pajak</bdi>" not in page, narrowed
    assert "Tidak ada pengungkapan" in (await look(auditor, LOG, cara="opening")).text
    assert "Tidak ada pengungkapan" in (await look(auditor, LOG, sampai="2020-01-01T00:00")).text


@pytest.mark.parametrize("wrong", [{"kontrak": "x.y"}, {"cara": "burung"}, {"sejak": "kemarin"}])
async def test_a_wrong_filter_is_told_at_its_field_and_searches_nothing(auditor: Browser, wrong: dict[str, str]):
    page = await look(auditor, LOG, **wrong)
    (name,) = wrong
    assert page.status_code == 422
    assert f'id="e-{name}"' in page.text
    assert "imunisasi" not in page.text
    assert (await look(auditor, f"{LOG}/unduh/csv", **wrong)).status_code == 422


async def test_pages_go_on_behind_the_last_row(auditor: Browser, bus: Bus):
    for number in range(60):
        bus.rooms.looks.find_person(a_nik(9), None, 1, OPERATOR, f"alasan {number}")
    first = (await look(auditor, LOG)).text
    (_, _, rest) = first.partition("/konsol/pengungkapan?waktu=")
    following = rest.partition('"')[0].replace("&amp;", "&")
    second = (await auditor.look(f"{LOG}?waktu={following}")).text
    assert "alasan 59<" in first
    assert "alasan 10<" in first
    assert "alasan 9<" in second
    assert "imunisasi" in second
    assert "alasan 10<" not in second


async def test_files_have_the_rows_of_the_page(auditor: Browser):
    sheet = await look(auditor, f"{LOG}/unduh/csv", peserta="dinkes")
    head, row = rows_of(sheet)
    assert (head[1], row[1], row[5]) == ("Penerima", "dinkes", "imunisasi")
    assert sheet.headers["content-disposition"] == 'attachment; filename="pengungkapan-data.csv"'
    file = await look(auditor, f"{LOG}/unduh/pdf")
    assert (file.content[:5], file.headers["content-type"]) == (b"%PDF-", "application/pdf")


async def test_a_sheet_has_the_rows_of_every_read(auditor: Browser, bus: Bus):
    (row,) = bus.rooms.disclosures.search(Wanted(participant="dinkes"), None, 1)
    many = [replace(row.disclosure, purpose=f"tujuan {number}", positions=(1,)) for number in range(501)]
    bus.rooms.disclosures.record(many)
    _, *rows = rows_of(await look(auditor, f"{LOG}/unduh/csv"))
    assert {f"tujuan {number}" for number in range(501)} <= {one[5] for one in rows}
    assert len(rows) == 503


async def test_each_look_is_in_the_action_log(auditor: Browser, bus: Bus):
    await look(auditor, LOG, peserta="dinkes")
    await look(auditor, f"{LOG}/unduh/csv")
    await look(auditor, BREACH, klien="client_x", **WINDOW)
    found = [one for one in actions(bus.rooms.storage) if one.what is Verb.DISCLOSURES_READ]
    assert [(one.by.user, (one.details or {})["export"]) for one in found] == [
        ("sari", False),
        ("sari", True),
        ("sari", True),
    ]


async def test_a_person_is_found_with_a_reason_that_stands_in_the_answer(auditor: Browser, bus: Bus):
    page = await auditor.send(PERSON, nik=a_nik(1), alasan=WHY)
    for told in ("imunisasi", "pajak", WHY, "staff sari", "dicari di catatan pengungkapan"):
        assert told in page.text, told
    (noted,) = bus.rooms.disclosures.search(Wanted(channel=Channel.LOOKUP), None, 10)
    assert (noted.disclosure.person, noted.disclosure.purpose) == (a_nik(1), WHY)


@pytest.mark.parametrize(("fields", "name"), [({"nik": a_nik(1)}, "alasan"), ({"alasan": WHY}, "nik")])
async def test_no_person_is_found_without_a_reason(auditor: Browser, bus: Bus, fields: dict[str, str], name: str):
    page = await auditor.send(PERSON, **fields)
    assert page.status_code == 422
    assert f'id="e-{name}"' in page.text
    assert "imunisasi" not in page.text
    assert bus.rooms.disclosures.search(Wanted(channel=Channel.LOOKUP), None, 10) == []


async def test_a_persons_rows_as_files_are_noted_too(auditor: Browser, bus: Bus):
    sheet = rows_of(await auditor.send(PERSON, nik=a_nik(1), alasan=WHY, bentuk="csv"))
    assert [row[1] for row in sheet[1:]] == ["operator", "bapenda", "dinkes"]
    file = await auditor.send(PERSON, nik=a_nik(1), alasan=WHY, bentuk="pdf")
    assert file.content.startswith(b"%PDF-")
    assert a_nik(1).encode() not in file.content
    (noted,) = bus.rooms.disclosures.search(Wanted(channel=Channel.LOOKUP), None, 10)
    assert noted.times == 2


async def test_a_breach_tells_what_the_client_got_and_could_get(auditor: Browser, bus: Bus):
    asked = {"klien": clients(bus, "bapenda")[0], "diketahui": "2026-11-20T08:00"} | WINDOW
    page = (await look(auditor, BREACH, **asked)).text
    assert "<bdi>pajak</bdi>" in page
    assert "imunisasi" not in page
    assert "<dd>2</dd>" in page.partition("Subjek data yang datanya diterima klien")[2][:60]
    assert "23 Nov 2026 08.00 WIB" in page
    assert "PKS 1/2026" in page.partition("Yang dapat diperoleh pesertanya hari ini")[2]
    assert (await look(auditor, BREACH, **asked, bentuk="pdf")).content.startswith(b"%PDF-")


async def test_a_breach_outside_of_the_window_tells_nothing(auditor: Browser, bus: Bus):
    asked = {"klien": clients(bus, "bapenda")[0], "sejak": "2020-01-01T00:00", "sampai": "2021-01-01T00:00"}
    assert "tidak menerima data pribadi" in (await look(auditor, BREACH, **asked)).text


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"klien": "client_x"}, "sejak"),
        (WINDOW, "klien"),
        ({"klien": "client_x", "sejak": "2026-01-02T00:00", "sampai": "2026-01-01T00:00"}, "sampai"),
        ({"klien": "client_x", "diketahui": "besok"} | WINDOW, "diketahui"),
    ],
)
async def test_a_breach_without_client_or_window_asks_for_them(auditor: Browser, asked: dict[str, str], name: str):
    page = await look(auditor, BREACH, **asked)
    assert page.status_code == 422
    assert f'id="e-{name}"' in page.text
    assert "Temuan" not in page.text.partition("<form")[2].partition("</form>")[2]


async def test_the_action_log_is_narrowed_by_kind_and_time_and_is_a_file(auditor: Browser):
    page = (await look(auditor, "/konsol/tindakan", jenis="staff.add")).text
    table = page.partition("<tbody>")[2]
    assert "staff.add" in table
    assert "client.add" not in table
    assert "<tbody>" not in (await look(auditor, "/konsol/tindakan", sampai="2020-01-01T00:00")).text
    assert (await look(auditor, "/konsol/tindakan", jenis="x")).status_code == 422
    head, *rows = rows_of(await look(auditor, "/konsol/tindakan/unduh/csv", jenis="client.add"))
    assert head[2] == "Tindakan"
    assert {row[2] for row in rows} == {"client.add"}
    assert (await look(auditor, "/konsol/tindakan/unduh/pdf")).content.startswith(b"%PDF-")
