"""The page of staff: accounts with links that are shown once, sessions that end, accounts that close."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bus import clock
from bus.staff import Role
from bus.staff.tables import STAFF_SESSIONS
from tests.an_actor import OPERATOR
from tests.console.a_console import SESSION, Browser, Console

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PATH = "/konsol/pegawai"


@pytest.fixture
def operator(console: Console) -> Browser:
    return console.member(Role.OPERATOR, name="siti")


async def test_a_new_account_has_a_link_that_is_shown_once(console: Console, operator: Browser):
    page = await operator.send(PATH, PATH, nama="rini", peran="auditor")
    found = re.search(r"/konsol/tautan/([^<]+)<", page.text)
    assert found
    assert console.bus.rooms.staff.accounts.read_link(found[1]).account.name == "rini"
    again = (await operator.look(PATH)).text
    assert "rini" in again
    assert found[1] not in again


async def test_a_mistake_in_the_form_is_told_and_what_was_typed_stays(operator: Browser):
    for fields in (
        {"nama": "R!", "peran": "auditor"},
        {"nama": "rini", "peran": "raja"},
        {"nama": "siti", "peran": "auditor"},
    ):
        page = await operator.send(PATH, PATH, **fields)
        assert (page.status_code, "Akun tidak dibuat" in page.text) == (422, True)
        assert f'value="{fields["nama"]}"' in page.text


async def test_the_operator_ends_sessions_and_closes_an_account(console: Console, operator: Browser):
    auditor, sessions = console.member(Role.AUDITOR, name="rini"), console.bus.rooms.staff.sessions
    await operator.send(f"{PATH}/rini/akhiri", PATH)
    assert sessions.find(auditor.http.cookies[SESSION]) is None
    await operator.send(f"{PATH}/rini/tutup", PATH)
    page = (await operator.look(PATH)).text
    assert "Ditutup" in page
    assert (await operator.send(f"{PATH}/rini/tautan", PATH)).status_code == 409


async def test_links_ask_for_a_young_proof(console: Console, operator: Browser):
    console.bus.rooms.staff.accounts.add("rini", Role.AUDITOR, None, OPERATOR)
    with console.bus.rooms.storage.write() as transaction:
        old = clock.micros(clock.now() - timedelta(minutes=11))
        transaction.execute(sa.update(STAFF_SESSIONS).values(proved_at=old))
    assert (await operator.look(PATH)).status_code == 200
    for path in (PATH, f"{PATH}/rini/tautan", f"{PATH}/rini/tutup"):
        answer = await operator.send(path, PATH, nama="andi", peran="auditor")
        assert answer.headers["location"] == f"/konsol/buktikan?tujuan={PATH}"
    assert [one.name for one in console.bus.rooms.staff.accounts.list_page(10)] == ["rini", "siti"]
