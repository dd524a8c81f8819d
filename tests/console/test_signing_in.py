"""Signing in to the console: links, password and code, cookies, throttling, and the end of sessions."""

import re
from datetime import timedelta

import httpx
import pyotp
import pytest
import sqlalchemy as sa

from bus import clock
from bus.actions import Channel
from bus.staff import LINK_PATH, Role
from bus.staff.tables import STAFF_SESSIONS
from tests.an_actor import OPERATOR
from tests.console.a_console import HTML, SESSION, Console, token_in
from tests.staff.a_member import PASSWORD, next_code

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SIGN_IN = "/konsol/masuk"


async def set_up(console: Console, role: Role = Role.AUDITOR) -> tuple[str, str, httpx.Response]:
    """A member who used a link: the link's path, the authenticator's secret, the last answer."""
    accounts, browser = console.bus.rooms.staff.accounts, console.nobody()
    link = accounts.add("siti", role, None, OPERATOR)
    secret, path = accounts.read_link(link).totp_secret, f"{LINK_PATH}{link}"
    fields = {"sandi": PASSWORD, "ulang": PASSWORD, "kode": pyotp.TOTP(secret).now()}
    return path, secret, await browser.send(path, path, **fields)


async def test_a_link_is_used_by_its_form_once_and_not_by_a_look(console: Console):
    path, secret, answer = await set_up(console)
    assert (answer.status_code, answer.headers["location"]) == (303, "/konsol")
    assert SESSION in answer.headers["set-cookie"]
    again = await console.nobody().look(path)
    assert again.status_code == 404
    assert "sudah dipakai" in again.text
    assert secret not in again.text


@pytest.mark.parametrize("is_used", [False, True])
async def test_no_other_address_on_the_page_of_a_link_repeats_its_secret(console: Console, is_used: bool):
    if is_used:
        path, _, _ = await set_up(console)
    else:
        path = f"{LINK_PATH}{console.bus.rooms.staff.accounts.add('siti', Role.AUDITOR, None, OPERATOR)}"
    page = (await console.nobody().look(path)).text
    secret = path.removeprefix(LINK_PATH)
    assert '/konsol/bahasa/en"' in page
    addresses = {one for one in re.findall('(?:href|src|action)="([^"]*)"', page) if secret in one}
    assert addresses <= {path, f"{path}/kunci"}


async def test_the_page_of_a_link_has_the_code_to_scan_and_the_key_to_type(console: Console):
    accounts = console.bus.rooms.staff.accounts
    link = accounts.add("siti", Role.AUDITOR, None, OPERATOR)
    page = (await console.nobody().look(f"{LINK_PATH}{link}")).text
    assert accounts.read_link(link).totp_secret in page
    assert "<svg" in page


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ulang": "lain"}, "Kedua kata sandi tidak sama"),
        ({"sandi": "pendek", "ulang": "pendek"}, "12 sampai 128"),
        ({"kode": "000000"}, "Kode tidak cocok"),
    ],
)
async def test_a_mistake_is_told_at_its_field_and_the_link_stays(console: Console, changes: dict[str, str], told: str):
    accounts, browser = console.bus.rooms.staff.accounts, console.nobody()
    link = accounts.add("siti", Role.AUDITOR, None, OPERATOR)
    path, code = f"{LINK_PATH}{link}", pyotp.TOTP(accounts.read_link(link).totp_secret).now()
    answer = await browser.send(path, path, **({"sandi": PASSWORD, "ulang": PASSWORD, "kode": code} | changes))
    assert answer.status_code == 422
    (described,) = re.findall(r'aria-invalid="true" aria-describedby="([^"]+)"', answer.text)
    assert told in answer.text.partition(f'id="{described.split()[-1]}"')[2].partition("</p>")[0]
    assert accounts.read_link(link)


async def test_name_password_and_code_open_a_session(console: Console):
    _, secret, _ = await set_up(console)
    browser = console.nobody()
    fields = {"nama": "siti", "sandi": PASSWORD, "kode": next_code(secret), "tujuan": "/konsol/tindakan"}
    answer = await browser.send(SIGN_IN, SIGN_IN, **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/konsol/tindakan")
    page = await browser.look("/konsol/tindakan")
    assert page.status_code == 200
    assert "session.open" in page.text


async def test_a_sign_in_leads_to_no_other_place(console: Console):
    _, secret, _ = await set_up(console)
    wanted = "//evil.example"
    fields = {"nama": "siti", "sandi": PASSWORD, "kode": next_code(secret), "tujuan": wanted}
    assert (await console.nobody().send(SIGN_IN, SIGN_IN, **fields)).headers["location"] == "/konsol"
    for wanted in ("//evil.example", "https://evil.example", "/konsolx", "/konsol/\\evil", "/lain"):
        answer = await console.nobody().look(f"/konsol/bahasa/en?ke={wanted}")
        assert answer.headers["location"] == "/konsol", wanted


async def test_a_wrong_sign_in_names_no_part_and_too_many_are_limited(console: Console):
    await set_up(console)
    browser = console.nobody()
    told = set()
    for name in ("siti", "tak-ada"):
        answer = await browser.send(SIGN_IN, SIGN_IN, nama=name, sandi="salah sekali", kode="123456")
        assert answer.status_code == 403
        told.add(answer.text.partition('role="alert">')[2].partition("<")[0])
    assert len(told) == 1
    token = token_in(await browser.look(SIGN_IN))
    statuses = [
        (await browser.http.post(SIGN_IN, data={"token": token, "nama": "siti", "kode": "1"}, headers=HTML)).status_code
        for _ in range(10)
    ]
    assert statuses == [403] * 9 + [429]


@pytest.mark.parametrize("name", ["sesi", "tamu"])
async def test_cookies_are_for_this_host_over_tls_and_not_for_scripts(console: Console, name: str):
    _, _, answer = await set_up(console)
    lines = answer.headers.get_list("set-cookie") + (await console.nobody().look(SIGN_IN)).headers.get_list(
        "set-cookie"
    )
    (line, *_) = [one for one in lines if one.startswith(f"__Host-konsol-{name}=") and "Max-Age=0" not in one]
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= {part.strip() for part in line.split(";")}
    assert "domain" not in line.lower()


@pytest.mark.parametrize(
    ("issuer", "asked", "is_plain"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("http://127.0.0.1:8080", "http://localhost:8080", True),
        ("http://127.0.0.1:8080", "http://bus.lamongan.example", False),
        ("http://bus.lamongan.example", "http://127.0.0.1", False),
        ("https://bus.lamongan.example", "http://127.0.0.1:8080", False),
    ],
)
async def test_plain_cookies_are_for_a_bus_on_this_machine_alone(
    console: Console, monkeypatch: pytest.MonkeyPatch, issuer: str, asked: str, is_plain: bool
):
    monkeypatch.setattr(console.bus.rooms.tokens, "issuer", issuer)
    line = (await console.nobody(asked).look(SIGN_IN)).headers["set-cookie"]
    assert line.startswith("konsol-tamu-8080=" if is_plain else "__Host-konsol-tamu=")
    assert ("Secure" in line) is not is_plain


async def test_signing_out_ends_the_session_and_not_only_the_cookie(console: Console):
    browser = console.member(Role.AUDITOR)
    secret = browser.http.cookies[SESSION]
    answer = await browser.send("/konsol/keluar")
    assert f"{SESSION}=" in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert console.bus.rooms.staff.sessions.find(secret) is None


async def test_a_page_that_asks_by_itself_keeps_no_session_alive(console: Console):
    browser, sessions = console.member(Role.AUDITOR), console.bus.rooms.staff.sessions
    (account,) = console.bus.rooms.staff.accounts.list_page(10)
    old = clock.micros(clock.now() - timedelta(minutes=5))
    with console.bus.rooms.storage.write() as transaction:
        transaction.execute(sa.update(STAFF_SESSIONS).values(seen_at=old))
    itself = {"hx-request": "true"} | HTML
    await browser.http.get("/konsol", headers=itself)
    assert clock.micros(sessions.list_of(account)[0].seen_at) == old
    await browser.look("/konsol")
    assert clock.micros(sessions.list_of(account)[0].seen_at) > old
    answer = await console.nobody().http.get("/konsol", headers=itself)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/konsol/masuk?tujuan=/konsol")


async def test_a_member_ends_another_session_of_its_own(console: Console):
    staff, browser = console.bus.rooms.staff, console.member(Role.AUDITOR)
    (account,) = staff.accounts.list_page(10)
    staff.sessions.open(account, "10.9.9.9", "Peramban lama")
    (old,) = [one for one in staff.sessions.list_of(account) if one.browser == "Peramban lama"]
    assert "Peramban lama" in (await browser.look("/konsol/sesi")).text
    await browser.send(f"/konsol/sesi/{old.id}/akhiri")
    assert "Peramban lama" not in (await browser.look("/konsol/sesi")).text


async def test_a_link_of_the_command_line_opens_the_console_as_operator(console: Console):
    path = f"{LINK_PATH}{console.bus.rooms.staff.accounts.make_opening(OPERATOR)}"
    browser = console.nobody()
    assert (await browser.send(path, path)).headers["location"] == "/konsol"
    page = (await browser.look("/konsol/sesi")).text
    assert "baris-perintah" in page
    assert OPERATOR.channel is Channel.CLI
    assert (await console.nobody().look(path)).status_code == 404
