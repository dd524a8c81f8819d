"""A proof before secrets and personal data: asked for after ten minutes, given by password and code, and back to the page."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
import sqlalchemy as sa
from fastapi import Response

from bus import clock
from bus.actions import Verb
from bus.console import PAGES
from bus.console.page import go_to, page_router
from bus.console.proof import prove_again
from bus.console.visit import Visit
from bus.http import Pages
from bus.http.edge import create_edge
from bus.http.health import Health
from bus.staff import LINK_PATH, Role
from bus.staff.tables import STAFF_SESSIONS
from tests.a_bus import ADDRESS
from tests.an_actor import OPERATOR, actions, last_action
from tests.console.a_console import SESSION, Browser, Console
from tests.staff.a_member import PASSWORD, next_code

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PROVE = "/konsol/buktikan"
SECRET = "/konsol/rahasia/{name}"
router = page_router()


@router.get(SECRET)
async def read_secret(visit: Annotated[Visit, prove_again(Role.AUDITOR)], bagian: int = 0, urut: str = "") -> Response:
    return Response("rahasia")


@router.post(f"{SECRET}/ganti")
async def change_secret(visit: Annotated[Visit, prove_again(Role.AUDITOR, back=SECRET)]) -> Response:
    return go_to("/konsol/diganti")


class Member:
    """A browser of a member with password and authenticator, at a console with a page that needs a young proof."""

    def __init__(self, console: Console) -> None:
        self.console, self.staff = console, console.bus.rooms.staff
        edge = create_edge(console.bus.rooms, Health({}), Pages((router, *PAGES.routers)))
        self.browser = Browser(httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url=ADDRESS))
        link = self.staff.accounts.add("siti", Role.AUDITOR, None, OPERATOR)
        self.totp = self.staff.accounts.read_link(link).totp_secret
        code = pyotp.TOTP(self.totp).now()
        self.account = self.staff.accounts.set_up(link, PASSWORD, code, "10.1.2.3")
        self.browser.http.cookies.set(SESSION, self.staff.sessions.open(self.account, "10.1.2.3", "Uji"))

    def age(self, minutes: int) -> None:
        """Let the session's proof be some minutes old."""
        old = clock.micros(clock.now() - timedelta(minutes=minutes))
        with self.console.bus.rooms.storage.write() as transaction:
            transaction.execute(sa.update(STAFF_SESSIONS).values(proved_at=old))


@pytest.fixture
def member(console: Console) -> Member:
    return Member(console)


def wanted_of(answer: httpx.Response) -> str:
    address = urlsplit(answer.headers["location"])
    assert address.path == PROVE
    return parse_qs(address.query)["tujuan"][0]


async def test_a_proof_of_less_than_ten_minutes_is_enough(member: Member):
    member.age(9)
    assert (await member.browser.look("/konsol/rahasia/a")).text == "rahasia"
    assert (await member.browser.send("/konsol/rahasia/a/ganti")).headers["location"] == "/konsol/diganti"


async def test_a_page_comes_back_to_itself_after_the_proof(member: Member):
    member.age(11)
    page = "/konsol/rahasia/a%20b?bagian=1&urut=nama"
    answer = await member.browser.look(page)
    assert wanted_of(answer) == page, answer.text
    storage = member.console.bus.rooms.storage
    after = last_action(storage)
    fields = {"sandi": PASSWORD, "kode": next_code(member.totp), "tujuan": page}
    answer = await member.browser.send(PROVE, answer.headers["location"], **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert (await member.browser.look(page)).text == "rahasia"
    assert [one.what for one in actions(storage, after)] == [Verb.SESSION_PROVE]


async def test_a_form_does_nothing_before_the_proof_and_leads_to_the_page_that_it_names(member: Member):
    member.age(11)
    assert wanted_of(await member.browser.send("/konsol/rahasia/a/ganti")) == "/konsol/rahasia/a"


async def test_a_part_of_a_page_leads_the_whole_page_to_the_proof(member: Member):
    member.age(11)
    answer = await member.browser.http.get("/konsol/rahasia/a", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, f"{PROVE}?tujuan=/konsol/rahasia/a")


async def test_a_wrong_proof_opens_nothing_and_a_proof_leads_to_no_other_place(member: Member):
    member.age(11)
    wrong = await member.browser.send(PROVE, PROVE, sandi="salah sekali", kode="123456")
    assert (wrong.status_code, "salah" in wrong.text) == (422, True)
    assert (await member.browser.look("/konsol/rahasia/a")).status_code == 303
    fields = {"sandi": PASSWORD, "kode": next_code(member.totp), "tujuan": "//evil.example"}
    assert (await member.browser.send(PROVE, PROVE, **fields)).headers["location"] == "/konsol"


async def test_another_role_is_refused_and_not_asked_for_a_proof(member: Member):
    browser = member.console.member(Role.SERVICE_DESK)
    member.browser.http.cookies.set(SESSION, browser.http.cookies[SESSION])
    member.age(11)
    assert (await member.browser.look("/konsol/rahasia/a")).status_code == 403


async def test_who_came_by_the_command_line_proves_by_a_new_link_and_goes_on(member: Member):
    accounts, browser = member.staff.accounts, member.console.nobody()
    first, second = (f"{LINK_PATH}{accounts.make_opening(OPERATOR)}" for _ in range(2))
    await browser.send(first, first)
    page = (await browser.look(f"{PROVE}?tujuan=/konsol/tindakan")).text
    assert "bus console" in page
    assert 'name="sandi"' not in page
    assert (await browser.send(second, second)).headers["location"] == "/konsol/tindakan"
