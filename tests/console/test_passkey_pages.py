"""Pages with passkeys: set by a link, used to sign in and to prove again, added and removed by their owner."""

import re
from datetime import timedelta
from html import unescape

import httpx
import pytest
import sqlalchemy as sa

from bus import clock
from bus.staff import LINK_PATH, Role
from bus.staff.tables import STAFF_SESSIONS
from tests.a_bus import ADDRESS
from tests.an_actor import OPERATOR
from tests.console.a_console import HTML, SESSION, Browser, Console, token_in
from tests.staff.an_authenticator import Authenticator

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SIGN_IN = "/konsol/masuk"


def asked_of(page: httpx.Response) -> str:
    """What the page asks the browser's authenticator."""
    found = re.search(r'data-pilihan="([^"]+)"', page.text)
    assert found, page.text
    return unescape(found[1])


async def send(browser: Browser, page: httpx.Response, path: str, **fields: str) -> httpx.Response:
    return await browser.http.post(path, data={"token": token_in(page)} | fields, headers=HTML)


async def set_up(console: Console) -> tuple[Browser, Authenticator]:
    """A browser whose member set a passkey by a link, and the device."""
    browser, phone = console.nobody(), Authenticator(origin=ADDRESS)
    path = f"{LINK_PATH}{console.bus.rooms.staff.accounts.add('rini', Role.AUDITOR, None, OPERATOR)}"
    page = await browser.look(path)
    answer = await send(browser, page, f"{path}/kunci", jawaban=phone.create(asked_of(page)), label="ponsel")
    assert (answer.status_code, answer.headers["location"]) == (303, "/konsol"), answer.text
    return browser, phone


async def test_a_passkey_of_a_link_signs_in_and_comes_to_the_wanted_page(console: Console):
    _, phone = await set_up(console)
    browser = console.nobody()
    page = await browser.look(f"{SIGN_IN}?tujuan=/konsol/tindakan")
    fields = {"jawaban": phone.sign(asked_of(page)), "tujuan": "/konsol/tindakan"}
    answer = await send(browser, page, f"{SIGN_IN}/kunci", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/konsol/tindakan")
    assert (await browser.look("/konsol/tindakan")).status_code == 200


async def test_an_answer_for_another_browser_opens_nothing(console: Console):
    _, phone = await set_up(console)
    mine, theirs = console.nobody(), console.nobody()
    asked = asked_of(await theirs.look(SIGN_IN))
    answer = await send(mine, await mine.look(SIGN_IN), f"{SIGN_IN}/kunci", jawaban=phone.sign(asked))
    assert (answer.status_code, "tidak dikenal" in answer.text) == (403, True)
    assert SESSION not in mine.http.cookies


async def test_a_passkey_proves_again_and_no_other_members_does(console: Console):
    browser, phone = await set_up(console)
    with console.bus.rooms.storage.write() as transaction:
        old = clock.micros(clock.now() - timedelta(minutes=11))
        transaction.execute(sa.update(STAFF_SESSIONS).values(proved_at=old))
    assert (await browser.look("/konsol/kunci")).headers["location"] == "/konsol/buktikan?tujuan=/konsol/kunci"
    page = await browser.look("/konsol/buktikan?tujuan=/konsol/kunci")
    assert 'name="sandi"' not in page.text
    stranger = Authenticator(origin=ADDRESS)
    path = "/konsol/buktikan/kunci"
    assert (await send(browser, page, path, jawaban=stranger.sign(asked_of(page)))).status_code == 422
    fields = {"jawaban": phone.sign(asked_of(page)), "tujuan": "/konsol/kunci"}
    assert (await send(browser, page, path, **fields)).headers["location"] == "/konsol/kunci"
    assert (await browser.look("/konsol/kunci")).status_code == 200


async def test_a_member_adds_and_removes_passkeys(console: Console):
    browser, _ = await set_up(console)
    page, laptop = await browser.look("/konsol/kunci"), Authenticator(origin=ADDRESS)
    await send(browser, page, "/konsol/kunci", jawaban=laptop.create(asked_of(page)), label="laptop kantor")
    page = await browser.look("/konsol/kunci")
    assert "laptop kantor" in page.text
    first, second = re.findall(r'action="(/konsol/kunci/[^"]+/hapus)"', page.text)
    assert (await send(browser, page, first)).headers["location"] == "/konsol/kunci"
    refused = await send(browser, page, second)
    assert (refused.status_code, "satu-satunya bukti" in refused.text) == (409, True)


async def test_who_came_by_the_command_line_has_no_passkeys(console: Console):
    browser, link = console.nobody(), console.bus.rooms.staff.accounts.make_opening(OPERATOR)
    await browser.send(f"{LINK_PATH}{link}", f"{LINK_PATH}{link}")
    page = (await browser.look("/konsol/kunci")).text
    assert "bus staff add" in page
    assert "data-pilihan" not in page


async def test_no_passkey_is_offered_at_another_address(console: Console):
    browser = console.nobody("http://10.1.2.3:8080")
    page = await browser.look(SIGN_IN)
    assert "data-pilihan" not in page.text
    assert (await send(browser, page, f"{SIGN_IN}/kunci", jawaban="{}")).status_code in {403, 404}


async def test_a_browser_whose_session_ended_signs_in_again(console: Console):
    browser, phone = await set_up(console)
    with console.bus.rooms.storage.write() as transaction:
        transaction.execute(sa.delete(STAFF_SESSIONS))
    page = await browser.look(SIGN_IN)
    answer = await send(browser, page, f"{SIGN_IN}/kunci", jawaban=phone.sign(asked_of(page)))
    assert answer.status_code == 303
    assert (await browser.look("/konsol")).status_code == 200
