"""Every path of the console, as every role and as nobody; and every form without its token."""

import itertools
from datetime import date
from typing import Final

import pytest
from fastapi.routing import APIRoute

from bus.actions import Verb
from bus.console import PAGES
from bus.contracts import Wish, parse_contract
from bus.delivery import NewSubscription, Webhook
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.replays import go_live
from bus.staff import Role
from tests.a_bus import Bus
from tests.an_actor import OPERATOR, actions, last_action
from tests.an_agency import AGENCY, ASK, AnAdapter, hold_some_deletions, join
from tests.builders import FAR, WARGA, a_document, a_grant
from tests.console.a_console import Browser, Console

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Where the answer does not depend on the database."""

ALL: Final = frozenset(Role)
OPERATING: Final = frozenset({Role.OPERATOR})
SUBSCRIBING: Final = OPERATING | {Role.APP_OWNER}
OWNING: Final = frozenset({Role.APP_OWNER})
AUDITING: Final = OPERATING | {Role.AUDITOR}
STEWARDING: Final = OPERATING | {Role.CONTRACT_OWNER}
SERVING: Final = OPERATING | {Role.SERVICE_DESK}
ANYBODY: Final = None
"""Also who is not signed in."""

ONE: Final = "/konsol/penerima/{id}"
CONTRACT: Final = "/konsol/kontrak/{name}"
VERSION: Final = f"{CONTRACT}/versi/{{version}}"
GRANT: Final = f"{CONTRACT}/izin/{{participant}}"
DRAFTED: Final = "1.1.0"
"""A draft that names an adapter, so that the operator may give its owner's word."""
EVENT: Final = "/konsol/peristiwa/{position}"
TABLE: Final = {
    "GET /konsol": ALL,
    "GET /konsol/langsung": SUBSCRIBING,
    "GET /konsol/sesi": ALL,
    "POST /konsol/sesi/{id}/akhiri": ALL,
    "POST /konsol/keluar": ALL,
    "GET /konsol/buktikan": ALL,
    "POST /konsol/buktikan": ALL,
    "POST /konsol/buktikan/kunci": ALL,
    "GET /konsol/buktikan/penyedia": ALL,
    "GET /konsol/kunci": ALL,
    "POST /konsol/kunci": ALL,
    "POST /konsol/kunci/{id}/hapus": ALL,
    "GET /konsol/penerima": SUBSCRIBING,
    f"GET {ONE}": SUBSCRIBING,
    f"POST {ONE}/jeda": SUBSCRIBING,
    f"POST {ONE}/lanjut": SUBSCRIBING,
    f"POST {ONE}/kirim-ulang": SUBSCRIBING,
    f"POST {ONE}/uji": SUBSCRIBING,
    f"POST {ONE}/putar-ulang/pratinjau": SUBSCRIBING,
    f"POST {ONE}/putar-ulang": SUBSCRIBING,
    f"POST {ONE}/pengiriman/{{position}}/coba-lagi": SUBSCRIBING,
    f"POST {ONE}/pengiriman/{{position}}/buang": SUBSCRIBING,
    "GET /konsol/instansi": OPERATING,
    "POST /konsol/instansi/{agency}/lepaskan": OPERATING,
    "GET /konsol/peserta": SUBSCRIBING,
    "GET /konsol/peserta/{name}": SUBSCRIBING,
    "GET /konsol/kontrak": STEWARDING,
    "GET /konsol/kontrak/baru": STEWARDING,
    "POST /konsol/kontrak/baru": STEWARDING,
    "POST /konsol/kontrak/periksa": STEWARDING,
    f"GET {CONTRACT}": STEWARDING,
    f"GET {CONTRACT}/banding": STEWARDING,
    f"GET {VERSION}": STEWARDING,
    f"GET {VERSION}/dokumen.yaml": STEWARDING,
    f"GET {VERSION}/asyncapi.yaml": STEWARDING,
    f"GET {VERSION}/sunting": STEWARDING,
    f"POST {VERSION}/usulkan": STEWARDING,
    f"POST {VERSION}/setujui": STEWARDING,
    f"POST {VERSION}/beri-kata": STEWARDING,
    f"POST {VERSION}/usangkan": STEWARDING,
    f"POST {VERSION}/pensiunkan": STEWARDING,
    f"GET {GRANT}": STEWARDING,
    f"POST {GRANT}/tangguhkan": STEWARDING,
    f"POST {GRANT}/lanjutkan": STEWARDING,
    "GET /konsol/usulan": STEWARDING,
    "POST /konsol/usulan/akses/{id}/terima": STEWARDING,
    "POST /konsol/usulan/akses/{id}/tolak": STEWARDING,
    "GET /konsol/izin": STEWARDING,
    "POST /konsol/peserta": OPERATING,
    "POST /konsol/peserta/{name}/klien": OPERATING,
    "POST /konsol/peserta/{name}/klien/{id}/hak": OPERATING,
    "POST /konsol/peserta/{name}/klien/{id}/ganti": OPERATING,
    "POST /konsol/peserta/{name}/klien/{id}/cabut": OPERATING,
    "GET /konsol/peserta/{name}/batas": OPERATING,
    "POST /konsol/peserta/{name}/batas": OPERATING,
    "GET /konsol/pegawai": OPERATING,
    "POST /konsol/pegawai": OPERATING,
    "POST /konsol/pegawai/{name}/tautan": OPERATING,
    "POST /konsol/pegawai/{name}/akhiri": OPERATING,
    "POST /konsol/pegawai/{name}/tutup": OPERATING,
    "GET /konsol/tindakan": AUDITING,
    "GET /konsol/mulai": OWNING,
    "GET /konsol/klien": OWNING,
    "POST /konsol/klien": OWNING,
    "GET /konsol/klien/{client_id}": OWNING,
    "POST /konsol/klien/{client_id}/hak": OWNING,
    "POST /konsol/klien/{client_id}/rahasia": OWNING,
    "POST /konsol/klien/{client_id}/cabut": OWNING,
    "GET /konsol/langganan": OWNING,
    "GET /konsol/langganan/baru": OWNING,
    "POST /konsol/langganan/baru": OWNING,
    "GET /konsol/langganan/{id}": OWNING,
    "POST /konsol/langganan/{id}/ubah": OWNING,
    "POST /konsol/langganan/{id}/rahasia": OWNING,
    "POST /konsol/langganan/{id}/hapus": OWNING,
    "GET /konsol/pengiriman": OWNING,
    "POST /konsol/pengiriman/{id}/{position}/jawaban": OWNING,
    "GET /konsol/penolakan": OWNING,
    "GET /konsol/hak-akses": OWNING,
    "GET /konsol/minta-akses": OWNING,
    "GET /konsol/minta-akses/{name}": OWNING,
    "POST /konsol/minta-akses/{name}": OWNING,
    "POST /konsol/permintaan-akses/{id}/tarik": OWNING,
    "GET /konsol/coba-data": OWNING,
    "POST /konsol/coba-data": OWNING,
    "GET /konsol/tindakan/unduh/{form}": AUDITING,
    "GET /konsol/pengungkapan": AUDITING,
    "GET /konsol/pengungkapan/unduh/{form}": AUDITING,
    "GET /konsol/orang": AUDITING,
    "POST /konsol/orang": AUDITING,
    "GET /konsol/pelanggaran": AUDITING,
    "GET /konsol/permintaan": SERVING,
    "POST /konsol/permintaan": SERVING,
    "GET /konsol/permintaan/{number}": SERVING,
    "POST /konsol/permintaan/{number}/jawaban": SERVING,
    "POST /konsol/permintaan/{number}/tutup": SERVING,
    f"GET {EVENT}": SUBSCRIBING,
    f"POST {EVENT}/buka": SUBSCRIBING,
    f"POST {EVENT}/jawaban/{{id}}": SUBSCRIBING,
    "GET /konsol/masuk": ANYBODY,
    "POST /konsol/masuk": ANYBODY,
    "POST /konsol/masuk/kunci": ANYBODY,
    "GET /konsol/masuk/penyedia": ANYBODY,
    "GET /konsol/masuk/penyedia/kembali": ANYBODY,
    "GET /konsol/tautan/{secret}": ANYBODY,
    "POST /konsol/tautan/{secret}": ANYBODY,
    "POST /konsol/tautan/{secret}/kunci": ANYBODY,
    "GET /konsol/komponen": ANYBODY,
    "GET /konsol/bahasa/{language}": ANYBODY,
    "GET /konsol/aset/{digest}/{name}": ANYBODY,
    "GET /konsol/{rest:path}": ANYBODY,
}
"""Who may see and do what."""
ACTS: Final = {
    f"POST {ONE}/jeda": Verb.SUBSCRIPTION_PAUSE,
    f"POST {ONE}/lanjut": Verb.SUBSCRIPTION_RESUME,
    f"POST {ONE}/kirim-ulang": Verb.SUBSCRIPTION_REDRIVE,
    f"POST {ONE}/uji": Verb.SUBSCRIPTION_TEST,
    f"POST {ONE}/pengiriman/{{position}}/coba-lagi": Verb.DELIVERY_RETRY,
    f"POST {ONE}/pengiriman/{{position}}/buang": Verb.DELIVERY_DISCARD,
    "POST /konsol/instansi/{agency}/lepaskan": Verb.AGENCY_RELEASE,
}
GUARDED: Final = [operation for operation, roles in TABLE.items() if roles is not ANYBODY]


OF_ONE: Final = ("penerima/", "peserta/", "klien/{", "langganan/{", "pengiriman/{", "permintaan-akses/")
"""Parts of the paths of pages about one thing of a participant."""


class Site:
    """A console with something to see on each page."""

    def __init__(self, bus: Bus) -> None:
        self.console = Console(bus)
        join(bus, AnAdapter())
        bus.apply(a_document(*map(a_grant, ("bapenda", "dinkes", AGENCY))))
        draft = a_document(version=DRAFTED, adapters=[{"adapter": AGENCY, "operation": ASK}])
        bus.rooms.catalogue.registrar.add_draft(parse_contract(draft), OPERATOR)
        for name in ("bapenda", "dinkes"):
            self.console.ensure(name)
        hold_some_deletions(bus.rooms.storage)
        # As if the process stopped: a stream of live numbers then ends with its first.
        bus.rooms.waiting.finish()
        self.clients = {name: self._add_client(bus, name) for name in ("bapenda", "dinkes")}
        self.requests = {name: self._ask(bus, name) for name in ("bapenda", "dinkes")}
        self.own, self.others = (self._subscribe(bus, name) for name in ("bapenda", "dinkes"))

    def _add_client(self, bus: Bus, participant: str) -> str:
        return bus.rooms.participants.add_client(participant, ["events.read"], by=OPERATOR)[0].client_id

    def _ask(self, bus: Bus, participant: str) -> str:
        wish = Wish(WARGA, participant, "uji", "Perda 1/2024", "PKS 1/2026", ("/nama",), date.fromisoformat(FAR))
        contract = bus.rooms.catalogue.newest(WARGA).contract
        return bus.rooms.catalogue.registrar.access_requests.ask(wish, contract, OPERATOR).id

    def _subscribe(self, bus: Bus, participant: str) -> str:
        new = NewSubscription(participant, [WARGA], Webhook("http://127.0.0.1:1027/hook"))
        made, storage = bus.rooms.subscriptions.add(new, OPERATOR), bus.rooms.storage
        with storage.write() as transaction:
            go_live(transaction, made.number, 0)
        with storage.write() as transaction:
            Ledger(storage).add(transaction, [NewDelivery(made.number, 7, None)], 0, again=False)
        return made.id

    def fill(self, template: str, subscription: str = "", participant: str = "bapenda") -> str:
        """A path for a template."""
        client, request = self.clients[participant], self.requests[participant]
        of_subscription = any(one in template for one in ("penerima", "langganan", "pengiriman", "peristiwa"))
        asks = "permintaan" in template
        named = (subscription or self.own) if of_subscription else request if asks else "session_x"
        name = WARGA if "minta-akses" in template or "kontrak/" in template else participant
        return template.format(
            id=named,
            position=7,
            agency=AGENCY,
            name=name,
            client_id=client,
            version=DRAFTED,
            participant=participant,
            number=1,
            form="pdf",
        )


@pytest.fixture
def site(bus: Bus) -> Site:
    return Site(bus)


async def ask(browser: Browser, operation: str, path: str) -> int:
    is_form = operation.startswith("POST")
    return (await (browser.send(path) if is_form else browser.look(path))).status_code


def test_the_table_has_every_path():
    routes = [route for router in PAGES.routers for route in router.routes if isinstance(route, APIRoute)]
    assert {f"{method} {route.path}" for route in routes for method in route.methods} == set(TABLE)


@only_sqlite
@pytest.mark.parametrize("role", Role)
async def test_a_role_sees_and_does_what_its_row_says(site: Site, role: Role):
    # The session's own end comes last.
    for operation in sorted(GUARDED, key=lambda one: "keluar" in one):
        browser = site.console.member(role, name=f"uji-{GUARDED.index(operation)}-{role}"[:60])
        status = await ask(browser, operation, site.fill(operation.partition(" ")[2]))
        is_allowed = role in (TABLE[operation] or ())
        assert (status != 403) is is_allowed, (operation, status)
        assert status < 500, operation


@only_sqlite
async def test_nobody_comes_to_the_sign_in(site: Site):
    browser = site.console.nobody()
    for operation in GUARDED:
        method, _, template = operation.partition(" ")
        if method == "GET":
            answer = await browser.look(site.fill(template))
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/konsol/masuk")


@only_sqlite
async def test_an_app_owner_reaches_nothing_of_another_participant(site: Site):
    browser = site.console.member(Role.APP_OWNER)
    for operation in GUARDED:
        template = operation.partition(" ")[2]
        is_own = Role.APP_OWNER in (TABLE[operation] or ())
        if is_own and any(one in template for one in OF_ONE):
            path = site.fill(template, site.others, "dinkes")
            assert await ask(browser, operation, path) == 404, operation
    own = [one.partition(" ")[2] for one in TABLE if one.startswith("GET") and TABLE[one] == OWNING]
    for path in ("/konsol", "/konsol/penerima", "/konsol/peserta/bapenda", *map(site.fill, own)):
        assert "dinkes" not in (await browser.look(path)).text, path


@only_sqlite
async def test_a_form_without_its_token_does_nothing(site: Site):
    browser, storage = site.console.member(Role.OPERATOR), site.console.bus.rooms.storage
    other = site.console.nobody()
    foreign = (await other.look("/konsol/masuk")).text.partition('name="token" value="')[2].partition('"')[0]
    after = last_action(storage)
    wrong: tuple[dict[str, str], ...] = ({}, {"token": ""}, {"token": "AAAA"}, {"token": foreign})
    for operation, fields in itertools.product((one for one in TABLE if one.startswith("POST")), wrong):
        path = site.fill(operation.partition(" ")[2].replace("{secret}", "x"))
        assert (await browser.http.post(path, data=fields)).status_code == 403, (operation, fields)
    assert [one.what for one in actions(storage, after)] == []


@only_sqlite
async def test_an_act_is_noted_with_the_member_who_did_it(site: Site):
    browser, storage = site.console.member(Role.OPERATOR, name="siti"), site.console.bus.rooms.storage
    for operation, verb in ACTS.items():
        after = last_action(storage)
        answer = await browser.send(site.fill(operation.partition(" ")[2]))
        assert answer.status_code in (200, 303), (operation, answer.text)
        (told,) = [one for one in actions(storage, after) if one.what is verb]
        assert (told.by.label, told.by.is_operator, told.by.is_command_line) == ("operator (staff siti)", True, False)


@only_sqlite
async def test_the_page_after_a_test_event_has_an_address_of_its_own(site: Site):
    browser = site.console.member(Role.APP_OWNER)
    page = await browser.send(f"/konsol/penerima/{site.own}/uji")
    assert "tidak diterima" in page.text
    assert f'/konsol/bahasa/en?ke=/konsol/penerima/{site.own}"' in page.text


@only_sqlite
async def test_a_refused_look_is_in_the_action_log(site: Site):
    await site.console.member(Role.SERVICE_DESK, name="rini").look("/konsol/tindakan")
    rooms = site.console.bus.rooms
    rooms.attempts.flush(all=True)
    (told,) = [one for one in actions(rooms.storage) if one.what is Verb.AUTHORITY_REFUSED]
    assert (told.by.user, told.on.id) == ("rini", "GET /konsol/tindakan")


async def test_an_address_that_no_database_takes_is_refused_as_a_page(console: Console) -> None:
    operator = console.member(Role.OPERATOR)
    for path in ("/konsol/peserta?setelah=%00", "/konsol/peserta/%00", f"/konsol/tindakan?sebelum={2**63}"):
        answer = await operator.look(path)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8"), path
    for path in ("/konsol/instansi/%00/lepaskan", "/konsol/sesi/%00/akhiri"):
        assert (await operator.send(path)).status_code == 400, path
