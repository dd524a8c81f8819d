"""The pages of the app owner: clients, subscriptions, deliveries, refusals, access, requests, quick start, trial of data."""

import re
from html import unescape
from typing import Final

import httpx
import pytest

from bus.actions import Verb
from bus.contracts import Waiting
from bus.delivery import NewSubscription, Pull, Webhook
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.replays import go_live
from bus.refusals.tally import Count
from bus.staff import Role
from tests.a_bus import Bus
from tests.a_failure import a_failed_attempt
from tests.an_actor import OPERATOR, actions, last_action
from tests.builders import FAR, OWNER, WARGA, a_document, a_grant, a_refusal
from tests.console.a_console import Browser, Console
from tests.console.test_pages import Tags

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WRITTEN: Final = re.compile(r"<dd><code>([^<]+)</code></dd>")
SINK: Final = "http://127.0.0.1:1027/hook"


@pytest.fixture
def granting(console: Console) -> Console:
    """A console whose bus grants bapenda the names of residents."""
    console.ensure("bapenda")
    grant = a_grant("bapenda", fields=["/nik", "/nama"], mask={"/nik": "pseudonym"}, purpose="pemutakhiran wajib pajak")
    console.bus.apply(a_document(grant, examples=[{"nik": "3524010101909001", "nama": "Siti Rekaan"}]))
    return console


@pytest.fixture
def owner(granting: Console) -> Browser:
    return granting.member(Role.APP_OWNER)


def shown(page: httpx.Response) -> list[str]:
    """The values that a page with a secret shows."""
    return [unescape(one) for one in WRITTEN.findall(page.text)]


async def log_in(bus: Bus, client_id: str, secret: str) -> int:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    transport = httpx.ASGITransport(bus.edge)
    async with httpx.AsyncClient(transport=transport, base_url="https://bus.lamongan.example") as http:
        return (await http.post("/oauth/token", data=form)).status_code


async def make_client(owner: Browser) -> tuple[str, str]:
    page = await owner.send("/konsol/klien", **{"hak-events.read": "ya"})
    client_id, secret = shown(page)
    return client_id, secret


async def test_a_new_client_can_sign_in_and_its_secret_is_on_no_page_again(granting: Console, owner: Browser):
    client_id, secret = await make_client(owner)
    assert await log_in(granting.bus, client_id, secret) == 200
    for path in ("/konsol/klien", f"/konsol/klien/{client_id}"):
        page = await owner.look(path)
        assert client_id in page.text
        assert secret not in page.text


async def test_an_office_gives_no_scope_that_the_operator_gives(granting: Console, owner: Browser):
    page = await owner.send("/konsol/klien", **{"hak-admin": "ya", "hak-contracts.approve": "ya"})
    assert page.status_code == 422
    assert "Pilih paling sedikit satu hak." in page.text
    client, _ = granting.bus.rooms.participants.add_client("bapenda", ["contracts.approve"], by=OPERATOR)
    path = f"/konsol/klien/{client.client_id}"
    assert "hanya diberikan operator" in (await owner.look(path)).text
    refused = await owner.send(f"{path}/rahasia", yakin="ya")
    assert (refused.status_code, shown(refused)) == (422, [])
    await owner.send(f"{path}/hak", **{"hak-events.read": "ya", "hak-admin": "ya"})
    found = granting.bus.rooms.participants.find_client(client.client_id)
    assert found is not None
    assert found.scopes == {"contracts.approve", "events.read"}


async def test_a_new_secret_replaces_the_old_one_only_when_the_box_is_ticked(granting: Console, owner: Browser):
    client_id, old = await make_client(owner)
    unsure = await owner.send(f"/konsol/klien/{client_id}/rahasia")
    assert "Centang dahulu" in unsure.text
    assert await log_in(granting.bus, client_id, old) == 200
    _, new = shown(await owner.send(f"/konsol/klien/{client_id}/rahasia", yakin="ya"))
    assert [await log_in(granting.bus, client_id, one) for one in (old, new)] == [401, 200]


async def test_a_revoked_client_cannot_sign_in(granting: Console, owner: Browser):
    client_id, secret = await make_client(owner)
    answer = await owner.send(f"/konsol/klien/{client_id}/cabut", yakin="ya")
    assert answer.headers["location"].endswith("hasil=dicabut")
    assert await log_in(granting.bus, client_id, secret) == 401


async def subscribe(owner: Browser, **fields: str) -> httpx.Response:
    form = {f"kontrak-{WARGA}": "ya", "tujuan": "kirim", "alamat": "https://8.8.8.8/hook", "mulai": "sekarang"}
    return await owner.send("/konsol/langganan/baru", **(form | fields))


async def test_a_subscription_is_made_with_filter_order_and_beginning(granting: Console, owner: Browser):
    page = await subscribe(owner, mulai="awal", cara="prefix", atribut="source", nilai="/dukcapil", urutan="/nama")
    number, secret = shown(page)
    made = granting.bus.rooms.subscriptions.get(number, "bapenda")
    assert secret == made.secrets[0]
    assert (made.contracts, made.sink) == ((WARGA,), Webhook("https://8.8.8.8/hook"))
    assert (list(made.filters), made.ordered_by) == ([{"prefix": {"source": "/dukcapil"}}], "/nama")
    assert made.replay_position == 0
    assert secret not in (await owner.look(f"/konsol/langganan/{number}")).text


async def test_a_subscription_that_is_pulled_needs_no_address(granting: Console, owner: Browser):
    answer = await subscribe(owner, tujuan="ambil", alamat="")
    (made,) = granting.bus.rooms.subscriptions.listed("bapenda")
    assert answer.headers["location"] == f"/konsol/langganan/{made.id}?hasil=dibuat"
    assert made.sink == Pull()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"alamat": "ftp://x"}, "Tulis alamat https://"),
        ({"alamat": "http://169.254.169.254/x"}, "Tulis alamat https://"),
        ({"mulai": "posisi", "posisi": "-1"}, "Tulis nomor peristiwa"),
        ({"saringan": "{"}, "Tulis daftar saringan"),
        ({"saringan": '[{"exact": {"data": "x"}}]'}, "Tulis daftar saringan"),
        ({"urutan": "/nik"}, "tanpa samaran"),
        ({"kontrak-uji.rahasia": "ya"}, "Pilih paling sedikit satu kontrak"),
    ],
)
async def test_a_form_with_a_fault_says_at_the_field_what_to_mend(
    granting: Console, owner: Browser, fields: dict[str, str], told: str
):
    page = await subscribe(owner, **fields)
    assert page.status_code == 422
    assert told in page.text
    assert 'role="alert"' in page.text
    assert granting.bus.rooms.subscriptions.listed("bapenda") == []


async def test_all_faults_of_a_form_are_told_at_once(owner: Browser):
    page = await subscribe(owner, alamat="x", mulai="posisi", posisi="x", saringan="{")
    for name in ("alamat", "mulai", "saringan"):
        assert f'id="e-{name}"' in page.text, name
    page = await owner.send(f"/konsol/minta-akses/{WARGA}", sampai="besok")
    for name in ("tujuan", "dasar", "pks", "sampai", "isian"):
        assert f'id="e-{name}"' in page.text, name


async def test_settings_change_and_a_deletion_asks_first(granting: Console, owner: Browser):
    number, old = shown(await subscribe(owner))
    path, rooms = f"/konsol/langganan/{number}", granting.bus.rooms
    await owner.send(f"{path}/ubah", alamat="https://8.8.4.4/hook", saringan='[{"exact": {"source": "/x"}}]')
    changed = rooms.subscriptions.get(number, "bapenda")
    assert (changed.sink, len(changed.filters)) == (Webhook("https://8.8.4.4/hook"), 1)
    _, new = shown(await owner.send(f"{path}/rahasia"))
    assert list(rooms.subscriptions.get(number, "bapenda").secrets) == [new, old]
    assert (await owner.send(f"{path}/hapus")).status_code == 422
    assert (await owner.send(f"{path}/hapus", yakin="ya")).headers["location"].endswith("hasil=dihapus")
    assert rooms.subscriptions.listed("bapenda") == []


def add_deliveries(bus: Bus, positions: int, participant: str = "bapenda") -> str:
    """A subscription with so many pending deliveries, the first of which failed."""
    made = bus.rooms.subscriptions.add(NewSubscription(participant, [WARGA], Webhook(SINK)), OPERATOR)
    storage = bus.rooms.storage
    with storage.write() as transaction:
        go_live(transaction, made.number, 0)
    with storage.write() as transaction:
        ledger = Ledger(storage, bus.rooms.keys.encrypt)
        new = [NewDelivery(made.number, position, None) for position in range(1, positions + 1)]
        ledger.add(transaction, new, 0, again=False)
        ledger.record(transaction, [a_failed_attempt(made.number, 1)])
    return made.id


async def test_deliveries_go_on_page_by_page_over_all_subscriptions(granting: Console, owner: Browser):
    ids = [add_deliveries(granting.bus, 40) for _ in range(2)]
    first = (await owner.look("/konsol/pengiriman")).text
    following = unescape(re.search(r'href="(/konsol/pengiriman\?setelah=[^"]+)"', first)[1])  # type: ignore[index]
    second = (await owner.look(following)).text
    rows = [re.findall(r"/konsol/penerima/(sub_\w+)/pengiriman/(\d+)/coba-lagi", text) for text in (first, second)]
    assert rows[0] + rows[1] == [(made, str(position)) for made in ids for position in range(1, 41)]
    only = (await owner.look(f"/konsol/pengiriman?langganan={ids[1]}")).text
    assert f"/konsol/penerima/{ids[0]}/" not in only


async def test_an_answer_opens_for_the_participant_itself_without_a_disclosure(granting: Console, owner: Browser):
    made = add_deliveries(granting.bus, 1)
    after = last_action(granting.bus.rooms.storage)
    page = await owner.send(f"/konsol/pengiriman/{made}/1/jawaban")
    assert page.status_code == 200
    assert "Percobaan 1" in page.text
    assert actions(granting.bus.rooms.storage, after) == []


async def test_refusals_name_rule_and_place_and_not_those_of_others(granting: Console, owner: Browser):
    log = granting.bus.rooms.refusals
    at = 1_790_000_000_000_000
    log.add({a_refusal(participant=name, hour=at): Count(3, 3, at, at) for name in ("bapenda", "dinkes")})
    page = (await owner.look("/konsol/penolakan")).text
    assert "Isian wajib tidak ada." in page
    assert "/data/nik" in page
    assert "dinkes" not in page


async def test_access_says_why_until_when_which_fields_and_how_masked(granting: Console, owner: Browser):
    page = (await owner.look("/konsol/hak-akses")).text
    for text in ("pemutakhiran wajib pajak", "PKS 1/2026", "31 Des 2099", "/nama", "nomor samaran", "Boleh menerima"):
        assert text in page
    assert "/desa" not in page
    granting.bus.rooms.grants.suspend(WARGA, "bapenda", "PKS diperiksa", Waiting.KEEP, OPERATOR)
    page = (await owner.look("/konsol/hak-akses")).text
    assert "PKS diperiksa" in page
    assert "Boleh menerima" not in page


async def test_who_may_only_send_sees_it_too(granting: Console):
    page = (await granting.member(Role.APP_OWNER, OWNER).look("/konsol/hak-akses")).text
    assert "Boleh mengirim" in page


async def ask(owner: Browser, **fields: str) -> httpx.Response:
    form = {"tujuan": "pajak", "dasar": "Perda 1/2024", "pks": "PKS 9/2026", "sampai": FAR, "isian-/desa": "ya"}
    return await owner.send(f"/konsol/minta-akses/{WARGA}", **(form | fields))


async def test_a_request_for_access_reaches_the_owner_as_a_draft_of_a_grant(granting: Console, owner: Browser):
    assert (await ask(owner)).headers["location"] == "/konsol/minta-akses?hasil=dikirim"
    requests = granting.bus.rooms.catalogue.registrar.access_requests
    (request,) = requests.list_page(10, concerning=OWNER)
    assert (request.wish.fields, request.wish.agreement, request.state) == (("/desa",), "PKS 9/2026", "asked")
    assert f"Menunggu {OWNER}" in (await owner.look("/konsol/minta-akses")).text
    again = await ask(owner)
    assert "masih menunggu" in again.text
    await owner.send(f"/konsol/permintaan-akses/{request.id}/tarik")
    assert "Ditarik" in (await owner.look("/konsol/minta-akses")).text


@pytest.mark.parametrize("field", ["tujuan", "dasar", "pks", "sampai", "isian"])
async def test_a_request_says_which_field_is_missing_and_keeps_the_others(owner: Browser, field: str):
    missing = {"isian": {"isian-/desa": ""}}.get(field, {field: ""})
    form = {"tujuan": "pajak", "dasar": "Perda 1/2024", "pks": "PKS 9/2026", "sampai": FAR, "isian-/desa": "ya"}
    sent = {name: value for name, value in (form | missing).items() if name != "isian-/desa" or value}
    page = await owner.send(f"/konsol/minta-akses/{WARGA}", **sent)
    assert page.status_code == 422
    assert f'id="e-{field}"' in page.text
    assert (f'value="{form["pks"]}"' in page.text) is (field != "pks")


async def test_the_quick_start_has_the_participants_own_names(granting: Console):
    page = unescape((await granting.member(Role.APP_OWNER, OWNER).look("/konsol/mulai")).text)
    for text in (f'"source": "/{OWNER}/aplikasi"', f'"type": "{WARGA}"', "Siti Rekaan", "PHP"):
        assert text in page


async def test_the_quick_starts_event_is_accepted_as_it_stands(granting: Console):
    page = unescape((await granting.member(Role.APP_OWNER, OWNER).look("/konsol/mulai")).text)
    event = page.partition("<<'JSON'\n")[2].partition("\nJSON")[0]
    publisher = granting.bus.reader(OWNER, "events.publish")
    headers = {"content-type": "application/cloudevents+json"}
    answer = await publisher.post("/v1/events", content=event, headers=headers)
    assert answer.status_code == 202, answer.text
    python = page.partition("<h3>Python</h3>")[2].partition("<code>")[2].partition("</code>")[0]
    assert "bus.publish" in python
    compile(python, "mulai", "exec")


async def test_the_quick_start_leads_who_has_no_contract_to_ask_for_one(console: Console):
    page = (await console.member(Role.APP_OWNER, "dinsos").look("/konsol/mulai")).text
    assert "/konsol/minta-akses" in page
    assert "Belum ada kontrak yang menyebut Anda sebagai produsen" in page


async def test_data_are_tried_and_nothing_is_stored(granting: Console, owner: Browser):
    position = granting.bus.rooms.journal.last_position()
    good = await owner.send("/konsol/coba-data", kontrak=WARGA, data='{"nik": "3524010101909001"}')
    assert "Sesuai kontrak" in good.text
    bad = await owner.send("/konsol/coba-data", kontrak=WARGA, data='{"nama": 1}')
    assert "perlu diperbaiki" in bad.text
    assert "/nama" in bad.text
    for text in ("{", "", "\ud7ff["):
        assert (await owner.send("/konsol/coba-data", kontrak=WARGA, data=text)).status_code == 422
    unknown = await owner.send("/konsol/coba-data", kontrak="tidak.ada", data="{}")
    assert "Kontrak ini tidak ada" in unknown.text
    assert granting.bus.rooms.journal.last_position() == position


async def test_each_act_is_in_the_action_log_with_the_member(granting: Console):
    owner, storage = granting.member(Role.APP_OWNER, name="budi"), granting.bus.rooms.storage
    after = last_action(storage)
    client_id, _ = await make_client(owner)
    await owner.send(f"/konsol/klien/{client_id}/hak", **{"hak-events.publish": "ya"})
    await owner.send(f"/konsol/klien/{client_id}/rahasia", yakin="ya")
    await owner.send(f"/konsol/klien/{client_id}/cabut", yakin="ya")
    await subscribe(owner)
    await ask(owner)
    told = actions(storage, after)
    assert [one.what for one in told] == [
        Verb.CLIENT_ADD,
        Verb.CLIENT_UPDATE,
        Verb.CLIENT_ROTATE_SECRET,
        Verb.CLIENT_REVOKE,
        Verb.SUBSCRIPTION_ADD,
        Verb.ACCESS_ASK,
    ]
    assert {one.by.label for one in told} == {"bapenda (staff budi)"}


async def test_a_hostile_text_is_shown_as_text(granting: Console, owner: Browser):
    hostile = "<script>alert(1)</script>\"'><img src=x>" + "x" * 400
    granting.bus.apply(
        a_document(a_grant("bapenda", purpose=hostile[:300]), contract="uji.jahat", title=hostile[:200], owner="dinkes")
    )
    await ask(owner, tujuan=hostile[:300])
    paths = ("hak-akses", "minta-akses", "minta-akses/uji.jahat", "langganan/baru", "coba-data", "mulai")
    for path in (*paths, f"coba-data?kontrak={hostile[:200]}", f"penolakan?kontrak={hostile[:200]}"):
        text = (await owner.look(f"/konsol/{path}")).text
        assert "<script>alert" not in text, path
        assert "<img" not in text, path


async def test_a_page_loads_nothing_from_elsewhere_and_has_nothing_inline(granting: Console, owner: Browser):
    made, (client_id, _) = add_deliveries(granting.bus, 1), await make_client(owner)
    paths = ("mulai", "klien", f"klien/{client_id}", "langganan", "langganan/baru", f"langganan/{made}", "pengiriman")
    for path in (*paths, "penolakan", "hak-akses", "minta-akses", f"minta-akses/{WARGA}", "coba-data"):
        tags = Tags()
        tags.feed((await owner.look(f"/konsol/{path}")).text)
        assert [one for one in tags.addresses if not one.startswith(("/konsol", "#"))] == [], path
        assert tags.inline == [], path


async def test_an_empty_page_says_how_to_begin(console: Console):
    owner = console.member(Role.APP_OWNER, "dinsos")
    for path in ("klien", "langganan", "langganan/baru", "pengiriman", "penolakan", "hak-akses", "minta-akses"):
        assert 'class="empty"' in (await owner.look(f"/konsol/{path}")).text, path
