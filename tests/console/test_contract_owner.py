"""The daily work of a contract's owner: drafts, proposals, approvals, differences, grants and their calendar."""

import re
from datetime import timedelta
from html import unescape
from typing import Any, Final

import httpx
import pytest

from bus import clock, json
from bus.actions import Actor, Channel, Verb
from bus.contracts import AccessRequest, AccessState, State, Waiting, Wish, parse_contract, read_yaml, write_yaml
from bus.staff import Role
from tests.an_actor import OPERATOR, actions, last_action
from tests.builders import OWNER, SCHEMA, a_grant, a_public_document, a_strict_document
from tests.console.a_console import Browser, Console
from tests.console.test_pages import HOSTILE, Tags

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NAME: Final = "kependudukan.uji"
PAGE: Final = f"/konsol/kontrak/{NAME}"
FIRST: Final = f"{PAGE}/versi/1.0.0"
SECOND: Final = f"{PAGE}/versi/2.0.0"
EDITOR: Final = "/konsol/kontrak/baru"
WITHOUT_NAME: Final = {
    **SCHEMA,
    "properties": {name: one for name, one in SCHEMA["properties"].items() if name != "nama"},
}
NOBODYS: Final = a_public_document("uji.terbuka", "dinas-uji", "bapenda", kind="event", schema={"type": "object"})


def owner(console: Console, name: str = "dewi") -> Browser:
    return console.member(Role.CONTRACT_OWNER, OWNER, name)


def draft(console: Console, **changes: Any) -> None:
    contract = parse_contract(a_strict_document(**changes))
    console.bus.rooms.catalogue.registrar.add_draft(contract, OPERATOR)


def write(**changes: Any) -> str:
    return write_yaml(a_strict_document(**changes)).decode()


def field_in(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return unescape(found[1])


def text_in(page: httpx.Response) -> str:
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page.text, re.DOTALL)
    assert found, page.text
    return unescape(found[1])


async def act(browser: Browser, version: str, step: str, **fields: str) -> httpx.Response:
    """Send the form of a version's page, as that page has it."""
    page = await browser.look(version)
    return await browser.send(f"{version}/{step}", tanda=field_in(page, "tanda"), **fields)


def state_of(console: Console, version: str = "1.0.0") -> State:
    return console.bus.rooms.catalogue.registrar.read_version(NAME, version).state


async def test_an_owner_sees_the_contracts_of_its_own_office_alone(console: Console):
    console.bus.apply(a_strict_document(), NOBODYS)
    dewi, other = owner(console), console.member(Role.CONTRACT_OWNER, "dinas-uji", "joko")
    mine, others = (await dewi.look("/konsol/kontrak")).text, (await other.look("/konsol/kontrak")).text
    assert (NAME in mine, "uji.terbuka" in mine) == (True, False)
    assert (NAME in others, "uji.terbuka" in others) == (False, True)
    every = (await console.member(Role.OPERATOR).look("/konsol/kontrak")).text
    assert (NAME in every, "uji.terbuka" in every) == (True, True)
    for path in (PAGE, f"{PAGE}/banding", FIRST, f"{FIRST}/dokumen.yaml", f"{PAGE}/izin/bapenda", f"{FIRST}/sunting"):
        assert (await other.look(path)).status_code == 404, path
    for path in (f"{FIRST}/pensiunkan", f"{PAGE}/izin/bapenda/tangguhkan", f"{FIRST}/setujui"):
        assert (await other.send(path, alasan="x", yakin="ya")).status_code == 404, path
    assert (await other.look(f"{EDITOR}?dari={NAME}")).status_code == 404
    assert state_of(console) is State.ACTIVE


async def test_the_catalogue_pages_by_name_and_finds_names_by_their_beginning(console: Console):
    for number in range(60):
        draft(console, contract=f"kependudukan.data-{number:02}")
    browser = owner(console)
    first = (await browser.look("/konsol/kontrak")).text
    assert ("data-49" in first, "data-50" in first) == (True, False)
    following = re.search(r'href="(/konsol/kontrak\?setelah=[^"]+)"', first)
    assert following
    second = (await browser.look(unescape(following[1]))).text
    assert ("data-49" in second, "data-59" in second) == (False, True)
    found = (await browser.look("/konsol/kontrak?awalan=kependudukan.data-3")).text
    assert ("data-39" in found, "data-40" in found) == (True, False)
    assert "Tidak ada kontrak dengan awalan itu" in (await browser.look("/konsol/kontrak?awalan=zzz")).text


async def test_a_new_contract_is_written_checked_and_saved(console: Console):
    browser = owner(console)
    begun = await browser.look(EDITOR)
    assert f"owner: {OWNER}" in text_in(begun)
    checked = await browser.send("/konsol/kontrak/periksa", EDITOR, dokumen=write(examples=[{"nik": 5}]))
    assert (checked.status_code, "/examples/0/nik" in checked.text) == (200, True)
    assert "1 kesalahan" in checked.text
    assert (await browser.look(PAGE)).status_code == 404
    saved = await browser.send(EDITOR, EDITOR, dokumen=write(), nama="", versi="", tanda="")
    assert saved.headers["location"] == f"{FIRST}?hasil=disimpan"
    assert state_of(console) is State.DRAFT


async def test_a_text_that_is_no_document_comes_back_with_what_is_wrong(console: Console):
    browser = owner(console)
    for text in ("a: [", "halo", ""):
        for path in ("/konsol/kontrak/periksa", EDITOR):
            answer = await browser.send(path, EDITOR, dokumen=text)
            assert answer.status_code in (200, 422), (path, text)
            assert text_in(answer).strip() == text, path
            assert "Dokumen belum terbaca" in answer.text or "Harus diperbaiki" in answer.text, (path, text)


async def test_what_the_editor_puts_in_place_while_somebody_types_is_in_the_answer(console: Console):
    browser = owner(console)
    page = (await browser.look(EDITOR)).text
    assert 'hx-post="/konsol/kontrak/periksa"' in page
    swapped = re.findall(r'hx-(?:target|select|select-oob)="#([a-z]+)', page)
    answer = (await browser.send("/konsol/kontrak/periksa", EDITOR, dokumen=write())).text
    assert sorted(set(swapped)) == ["hasil", "ringkasan"]
    assert [len(re.findall(f'id="{one}"', answer)) for one in swapped] == [1] * len(swapped)


async def test_a_document_too_long_for_a_form_is_not_given_to_the_editor(console: Console):
    long = {
        **SCHEMA,
        "properties": {**SCHEMA["properties"], **{f"isian_{n}": {"description": "x" * 900} for n in range(150)}},
    }
    draft(console, schema=long)
    answer = await owner(console).look(f"{FIRST}/sunting")
    assert (answer.status_code, "terlalu panjang untuk editor" in answer.text) == (413, True)


async def test_a_form_with_a_name_that_no_database_takes_is_refused(console: Console):
    browser = owner(console)
    for fields in ({"nama": "a\0", "versi": "1.0.0"}, {"nama": NAME, "versi": "1\0"}):
        assert (await browser.send(EDITOR, EDITOR, dokumen=write(), tanda="x", **fields)).status_code == 404


async def test_two_editors_of_a_draft_do_not_overwrite_each_other(console: Console):
    draft(console)
    one, other = owner(console), owner(console, "rini")
    seen = {"nama": NAME, "versi": "1.0.0", "tanda": field_in(await one.look(f"{FIRST}/sunting"), "tanda")}
    assert (await other.send(EDITOR, EDITOR, dokumen=write(title="Judul lain"), **seen)).status_code == 303
    late = await one.send(EDITOR, EDITOR, dokumen=write(title="Judul terlambat"), **seen)
    assert (late.status_code, "Orang lain mengubah versi ini" in late.text) == (412, True)
    assert "Judul terlambat" in text_in(late)
    kept = console.bus.rooms.catalogue.registrar.read_version(NAME, "1.0.0").contract
    assert kept.title == "Judul lain"


async def test_a_new_draft_never_takes_the_place_of_a_version(console: Console):
    draft(console)
    answer = await owner(console).send(EDITOR, EDITOR, dokumen=write(title="Judul lain"), nama="", versi="", tanda="")
    assert (answer.status_code, "sudah terdaftar" in answer.text) == (409, True)
    assert console.bus.rooms.catalogue.registrar.read_version(NAME, "1.0.0").contract.title != "Judul lain"


async def test_nobody_registers_what_another_office_owns(console: Console):
    rooms = console.bus.rooms
    other = console.member(Role.CONTRACT_OWNER, "dinas-uji", "joko")
    answer = await other.send(EDITOR, EDITOR, dokumen=write())
    assert (answer.status_code, "Hanya pemilik kontrak" in answer.text) == (403, True)
    rooms.attempts.flush(all=True)
    assert [one.by.user for one in actions(rooms.storage) if one.what is Verb.AUTHORITY_REFUSED] == ["joko"]


async def test_personal_data_are_approved_by_a_second_person_who_saw_what_is_shown(console: Console):
    draft(console)
    dewi, rini, rooms = owner(console), owner(console, "rini"), console.bus.rooms
    assert (await act(dewi, FIRST, "usulkan")).headers["location"].endswith("hasil=diusulkan")
    inbox = (await rini.look("/konsol/usulan")).text
    assert inbox.index(NAME) > inbox.index("Menunggu Anda")
    page = (await rini.look(FIRST)).text
    assert "Saya sudah melihat apa yang akan dibuka" in page
    assert "Mendapat data ini untuk pertama kali" in page
    unseen = await act(rini, FIRST, "setujui")
    assert (unseen.status_code, "membuka lebih banyak data pribadi" in unseen.text) == (409, True)
    same = await act(dewi, FIRST, "setujui", dilihat="ya")
    assert (same.status_code, "Data pribadi memerlukan orang kedua" in same.text) == (409, True)
    assert state_of(console) is State.PROPOSED
    after = last_action(rooms.storage)
    assert (await act(rini, FIRST, "setujui", dilihat="ya")).headers["location"].endswith("hasil=disetujui")
    assert state_of(console) is State.ACTIVE
    told = {one.what: one for one in actions(rooms.storage, after)}
    assert (told[Verb.CONTRACT_ACTIVATE].by.user, told[Verb.CONTRACT_ACTIVATE].details) == (
        "rini",
        {"grants_seen": True},
    )
    rooms.attempts.flush(all=True)
    (refused,) = [one for one in actions(rooms.storage, after) if one.what is Verb.AUTHORITY_REFUSED]
    assert (refused.by.user, refused.on.id) == ("dewi", f"{NAME}/1.0.0")


async def test_a_step_on_what_changed_since_the_page_was_read_is_refused(console: Console):
    draft(console)
    browser = owner(console)
    seen = field_in(await browser.look(FIRST), "tanda")
    draft(console, title="Judul lain yang belum dibaca")
    late = await browser.send(f"{FIRST}/usulkan", tanda=seen)
    assert (late.status_code, state_of(console)) == (412, State.DRAFT)
    assert "Orang lain mengubah versi ini" in late.text


async def test_a_version_is_deprecated_with_a_day_and_retired_only_when_confirmed(console: Console):
    console.bus.apply(a_strict_document())
    browser, tomorrow = owner(console), clock.local_date(clock.now()) + timedelta(days=1)
    for wrong in ("besok", "2020-01-01"):
        assert (await act(browser, FIRST, "usangkan", sampai=wrong)).status_code in (400, 422)
    assert state_of(console) is State.ACTIVE
    assert (await act(browser, FIRST, "usangkan", sampai=tomorrow.isoformat())).status_code == 303
    registered = console.bus.rooms.catalogue.registrar.read_version(NAME, "1.0.0")
    assert (registered.state, registered.sunset) == (State.DEPRECATED, tomorrow)
    assert "Centang dahulu" in (await act(browser, FIRST, "pensiunkan")).text
    assert state_of(console) is State.DEPRECATED
    assert (await act(browser, FIRST, "pensiunkan", yakin="ya")).status_code == 303
    assert state_of(console) is State.RETIRED
    assert "Tidak ada langkah lagi" in (await browser.look(FIRST)).text


async def test_the_difference_says_what_breaks_whom_with_an_example(console: Console):
    console.bus.apply(a_strict_document(compatibility="backward"))
    draft(
        console,
        version="2.0.0",
        compatibility="backward",
        schema=WITHOUT_NAME,
        examples=[],
        consumers=[a_grant(), a_grant("dinkes")],
    )
    browser = owner(console)
    for page in (await browser.look(f"{PAGE}/banding"), await browser.look(SECOND)):
        text = unescape(re.sub(r"<[^>]+>", " ", page.text))
        assert "Isian lain tidak lagi diterima" in text
        assert "Contoh data yang membuktikannya" in text
        assert re.search(r"dukcapil-lamongan\s+data yang dikirimnya akan ditolak", text)
        assert re.search(r"bapenda\s+isian yang diterimanya berubah atau hilang\s+/nama", text)
        assert re.search(r"dinkes\s.*Mendapat data ini untuk pertama kali", text, re.DOTALL)
    assert re.search(
        r"/nama\s+■\s+Dihapus", unescape(re.sub(r"<[^>]+>", " ", (await browser.look(f"{PAGE}/banding")).text))
    )
    same = await browser.look(f"{PAGE}/banding?lama=2.0.0&baru=2.0.0")
    assert "Tidak ada yang dapat dibandingkan" in same.text
    assert (await browser.look(f"{PAGE}/banding?lama=9.9.9")).status_code == 404


async def test_a_page_of_a_contract_says_who_gets_which_field_and_why(console: Console):
    grants = [
        a_grant(fields=["/nik", "/nama"], mask={"/nama": "redact"}, purpose="pajak"),
        a_grant("dinkes", fields=["/alamat"]),
    ]
    console.bus.apply(a_strict_document(consumers=grants))
    text = unescape(re.sub(r"<[^>]+>", " ", (await owner(console).look(PAGE)).text))
    assert re.search(r"bapenda\s+●\s+Berlaku\s+pajak", text)
    assert re.search(r"/nama\s+teks\s+–\s+bapenda \(ditutup\)\s", text)
    assert re.search(r"/alamat/jalan\s+teks\s+–\s+dinkes\s", text)
    assert re.search(r"/tanggal_lahir\s+teks\s+–\s+–\s", text)


async def test_a_grant_is_suspended_with_a_reason_and_resumed(console: Console):
    console.bus.apply(a_strict_document())
    browser, rooms, grant = owner(console), console.bus.rooms, f"{PAGE}/izin/bapenda"
    silent = await browser.send(f"{grant}/tangguhkan", alasan=" ")
    assert (silent.status_code, "Tulis alasan dalam satu baris" in silent.text) == (422, True)
    after = last_action(rooms.storage)
    assert (await browser.send(f"{grant}/tangguhkan", alasan="PKS sedang diperiksa")).status_code == 303
    suspension = rooms.catalogue.find_suspension(NAME, "bapenda")
    assert suspension
    assert (suspension.reason, suspension.waiting) == ("PKS sedang diperiksa", Waiting.KEEP)
    assert "PKS sedang diperiksa" in (await browser.look(grant)).text
    assert "PKS sedang diperiksa" in (await browser.look("/konsol/izin")).text
    assert (await browser.send(f"{grant}/lanjutkan")).status_code == 303
    assert rooms.catalogue.find_suspension(NAME, "bapenda") is None
    assert [one.what for one in actions(rooms.storage, after)] == [Verb.GRANT_SUSPEND, Verb.GRANT_RESUME]
    assert (await browser.look(f"{PAGE}/izin/tidak-ada")).status_code == 404


async def test_what_the_operator_suspended_the_owner_does_not_resume(console: Console):
    console.bus.apply(a_strict_document())
    grants, grant = console.bus.rooms.grants, f"{PAGE}/izin/bapenda"
    grants.suspend(NAME, "bapenda", "temuan audit", Waiting.KEEP, OPERATOR)
    browser = owner(console)
    assert "Lanjutkan izin" not in (await browser.look(grant)).text
    assert (await browser.send(f"{grant}/lanjutkan")).status_code == 403
    assert console.bus.rooms.catalogue.find_suspension(NAME, "bapenda") is not None
    assert "Lanjutkan izin" in (await console.member(Role.OPERATOR).look(grant)).text


async def test_the_calendar_has_the_grants_that_end_the_first_first(console: Console):
    today = clock.local_date(clock.now())
    ends = {"dinkes": 10, "bapenda": 40, "dinsos": 200}
    grants = [a_grant(who, until=(today + timedelta(days=days)).isoformat()) for who, days in ends.items()]
    console.bus.apply(a_strict_document(consumers=[*grants, a_grant("bpkad")]))
    browser = owner(console)
    shown = {hari: (await browser.look(f"/konsol/izin?hari={hari}")).text for hari in ("30", "90", "365")}
    listed = {hari: re.findall(r"/izin/([a-z]+)\"", text) for hari, text in shown.items()}
    assert listed == {"30": ["dinkes"], "90": ["dinkes", "bapenda"], "365": ["dinkes", "bapenda", "dinsos"]}
    assert "10 hari lagi" in shown["30"]
    others = console.member(Role.CONTRACT_OWNER, "dinas-uji", "joko")
    assert NAME not in (await others.look("/konsol/izin?hari=365")).text


async def test_a_document_is_handed_out_as_people_write_it(console: Console):
    console.bus.apply(a_strict_document())
    browser = owner(console)
    document = await browser.look(f"{FIRST}/dokumen.yaml")
    assert document.text.startswith(f"contract: {NAME}\nversion: ")
    stored = console.bus.rooms.catalogue.registrar.read_version(NAME, "1.0.0").text
    assert read_yaml(document.content) == json.loads(stored)
    assert 'asyncapi: "3' in (await browser.look(f"{FIRST}/asyncapi.yaml")).text


def ask(console: Console, participant: str = "bpbd", purpose: str = "penyaluran bantuan") -> AccessRequest:
    console.ensure(participant)
    catalogue, until = console.bus.rooms.catalogue, clock.local_date(clock.now()) + timedelta(days=90)
    wish = Wish(NAME, participant, purpose, "Perda 1/2026", "PKS 470/77/2026", ("/nik", "/nama"), until)
    by = Actor(participant, is_operator=False, channel=Channel.HTTP, address="10.0.0.9", client_id="client_bpbd")
    return catalogue.registrar.access_requests.ask(wish, catalogue.newest(NAME).contract, by)


async def test_a_request_for_access_becomes_a_grant_in_a_draft_that_a_second_person_approves(console: Console):
    console.bus.apply(a_strict_document())
    asked = ask(console)
    dewi, rini = owner(console), owner(console, "rini")
    assert "bpbd meminta kependudukan.uji" in (await dewi.look("/konsol/usulan")).text
    joko = console.member(Role.CONTRACT_OWNER, "dinas-uji", "joko")
    assert "bpbd" not in (await joko.look("/konsol/usulan")).text
    for step in ("terima", "tolak"):
        assert (await joko.send(f"/konsol/usulan/akses/{asked.id}/{step}", alasan="x")).status_code == 404
    accepted = await dewi.send(f"/konsol/usulan/akses/{asked.id}/terima")
    assert accepted.headers["location"] == f"{PAGE}/versi/1.1.0?hasil=diterima"
    drafted = f"{PAGE}/versi/1.1.0"
    assert console.bus.rooms.catalogue.newest(NAME).contract.grant("bpbd") is None
    assert (await act(dewi, drafted, "setujui", dilihat="ya")).status_code == 409
    assert (await act(rini, drafted, "setujui", dilihat="ya")).status_code == 303
    granted = console.bus.rooms.catalogue.newest(NAME).contract.grant("bpbd")
    assert granted
    assert granted.fields == ("/nik", "/nama")


async def test_a_request_is_in_the_inbox_of_who_decides_and_not_of_who_asks(console: Console):
    console.bus.apply(a_strict_document())
    joko = console.member(Role.CONTRACT_OWNER, "dinas-uji", "joko")
    ask(console, "dinas-uji")
    assert "dinas-uji meminta" in (await owner(console).look("/konsol/usulan")).text
    assert "dinas-uji meminta" not in (await joko.look("/konsol/usulan")).text


async def test_a_request_for_access_is_refused_with_a_reason_that_its_asker_reads(console: Console):
    console.bus.apply(a_strict_document())
    asked, browser = ask(console), owner(console)
    silent = await browser.send(f"/konsol/usulan/akses/{asked.id}/tolak", alasan="")
    assert (silent.status_code, "Tulis alasan dalam satu baris" in silent.text) == (422, True)
    assert (await browser.send(f"/konsol/usulan/akses/{asked.id}/tolak", alasan="PKS belum ada")).status_code == 303
    decided = console.bus.rooms.catalogue.registrar.access_requests.get(asked.id)
    assert (decided.state, decided.reason) == (AccessState.REFUSED, "PKS belum ada")
    late = await browser.send(f"/konsol/usulan/akses/{asked.id}/terima")
    assert (late.status_code, "sudah diputuskan" in late.text) == (409, True)


async def test_what_documents_say_is_shown_as_text(console: Console):
    purpose = HOSTILE[:100]
    document = a_strict_document(
        title=purpose, description=purpose, consumers=[a_grant(purpose=purpose, legal_basis=purpose)]
    )
    console.bus.apply(document)
    draft(console, version="2.0.0", title=purpose, consumers=[a_grant("dinkes", purpose=purpose)])
    ask(console, purpose="<script>alert(1)</script>")
    browser = owner(console)
    paths = ("/konsol/kontrak", PAGE, SECOND, f"{SECOND}/sunting", f"{PAGE}/banding", f"{PAGE}/izin/bapenda")
    for path in (*paths, "/konsol/usulan", "/konsol/izin"):
        page = await browser.look(path)
        tags = Tags()
        tags.feed(page.text)
        assert (page.status_code, tags.inline) == (200, []), path
        assert "<script>alert" not in page.text, path
        assert not re.search("[\u202e\u200b]", page.text), path
    assert "&lt;script&gt;alert(1)" in (await browser.look(PAGE)).text


async def test_empty_pages_say_how_to_begin(console: Console):
    browser = owner(console)
    assert "Mulailah dengan menulis kontrak baru" in (await browser.look("/konsol/kontrak")).text
    assert "Tidak ada usulan yang menunggu Anda" in (await browser.look("/konsol/usulan")).text
    assert "Tidak ada izin yang berakhir" in (await browser.look("/konsol/izin")).text
