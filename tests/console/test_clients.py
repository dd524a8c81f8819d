"""Participants, clients and limits, as the operator changes them in the console."""

import re

import pytest

from bus.actions import Verb
from bus.identity import Kind, Scope
from bus.staff import Role
from tests.an_actor import OPERATOR, actions, last_action
from tests.console.a_console import Browser, Console

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PAGE = "/konsol/peserta/bapenda"
READS = {f"hak-{Scope.EVENTS_READ}": "on"}


@pytest.fixture
def operator(console: Console) -> Browser:
    console.bus.rooms.participants.add("bapenda", "Badan Pendapatan", Kind.APP, OPERATOR)
    return console.member(Role.OPERATOR)


async def test_the_operator_makes_a_participant(operator: Browser):
    fields = {"nama": "dinkes", "nama-lengkap": "Dinas Kesehatan", "jenis": "app"}
    made = await operator.send("/konsol/peserta", "/konsol/peserta", **fields)
    assert made.headers["location"] == "/konsol/peserta/dinkes"
    assert "Dinas Kesehatan" in (await operator.look("/konsol/peserta/dinkes")).text
    again = await operator.send("/konsol/peserta", "/konsol/peserta", **fields)
    assert (again.status_code, "Sudah ada peserta" in again.text) == (409, True)
    assert (await operator.send("/konsol/peserta", "/konsol/peserta", **fields | {"jenis": "raja"})).status_code == 400


async def test_a_new_client_has_a_secret_that_is_shown_once_and_works(console: Console, operator: Browser):
    page = await operator.send(f"{PAGE}/klien", PAGE, **READS)
    assert page.status_code == 200, page.text
    known, secret = (
        re.search(rf"{name}</dt><dd><code>([^<]+)<", page.text)[1] for name in ("CLIENT_ID", "CLIENT_SECRET")
    )  # type: ignore[index]
    form = {"grant_type": "client_credentials", "client_id": known, "client_secret": secret}
    token = await console.nobody().http.post("/oauth/token", data=form)
    assert (token.status_code, token.json()["scope"]) == (200, Scope.EVENTS_READ)
    assert secret not in (await operator.look(PAGE)).text


async def test_a_client_without_scopes_is_refused_in_peoples_words(operator: Browser):
    page = await operator.send(f"{PAGE}/klien", PAGE)
    assert (page.status_code, "paling sedikit satu hak" in page.text) == (400, True)


async def test_the_operator_changes_scopes_replaces_a_secret_and_shuts_out(console: Console, operator: Browser):
    participants, storage = console.bus.rooms.participants, console.bus.rooms.storage
    client, _ = participants.add_client("bapenda", [Scope.EVENTS_READ], by=OPERATOR)
    after, path = last_action(storage), f"{PAGE}/klien/{client.client_id}"
    await operator.send(f"{path}/hak", PAGE, **READS, **{f"hak-{Scope.EVENTS_PUBLISH}": "on"})
    page = await operator.send(f"{path}/ganti", PAGE)
    assert f"{path}/cabut" in page.text
    assert (await operator.send(f"{path}/cabut", PAGE)).headers["location"] == PAGE
    found = {one.client_id: one for one in participants.list_clients("bapenda", 10)}
    assert found.pop(client.client_id).revoked
    (replacing,) = found.values()
    assert replacing.scopes == {Scope.EVENTS_READ, Scope.EVENTS_PUBLISH}
    assert [one.what for one in actions(storage, after)] == [
        Verb.CLIENT_UPDATE,
        Verb.CLIENT_ADD,
        Verb.CLIENT_REVOKE,
    ]
    assert (await operator.send(f"{PAGE}/klien/client_aaaaaaaaaaaaaaaaaaaa/ganti", PAGE)).status_code == 404


async def test_limits_are_the_participants_own_or_the_default(console: Console, operator: Browser):
    page = f"{PAGE}/batas"
    assert "20000/10s" in (await operator.look(page)).text
    assert (await operator.send(page, page, publish="50/10s", subscriptions="7")).status_code == 303
    assert console.bus.rooms.limits.register.read("bapenda") == {"publish": "50/10s", "subscriptions": 7}
    assert console.bus.rooms.limits.get("bapenda").policy.subscriptions == 7
    wrong = await operator.send(page, page, publish="banyak")
    assert wrong.status_code == 422
    assert re.search(r'name="publish" value="banyak"[^>]* aria-invalid="true"', wrong.text)
    assert console.bus.rooms.limits.register.read("bapenda")["publish"] == "50/10s"
    await operator.send(page, page)
    assert console.bus.rooms.limits.register.read("bapenda") == {}


async def test_the_pages_of_an_app_owner_offer_no_act_of_the_operator(console: Console, operator: Browser):
    page = (await console.member(Role.APP_OWNER).look(PAGE)).text
    assert f"{PAGE}/klien" not in page
    assert "/batas" not in page
