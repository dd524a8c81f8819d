"""Refusals before any page: people read them as pages, programs as problems; strangers shut out no member."""

import asyncio

import httpx
import pytest

from bus.console import PAGES
from bus.limits import Rate
from bus.staff import Role
from tests.console.a_console import HTML, SESSION, Browser, Console

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PAGE = "text/html; charset=utf-8"


async def ask(console: Console, method: str, path: str, **more: object) -> httpx.Response:
    headers = {**HTML, **more.pop("headers", {})}  # type: ignore[dict-item]
    return await console.nobody().http.request(method, path, headers=headers, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("PUT", "/konsol/sesi", 405, "tidak dapat dibuka dengan cara itu"),
        ("GET", "/konsol?tidak-ada=1", 400, "tidak terbaca"),
        ("DELETE", "/konsol", 405, "tidak dapat dibuka dengan cara itu"),
    ],
)
async def test_a_refusal_before_any_page_is_a_page(console: Console, method: str, path: str, status: int, told: str):
    answer = await ask(console, method, path)
    assert (answer.status_code, answer.headers["content-type"], told in answer.text) == (status, PAGE, True)
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_a_form_that_is_too_large_is_told_as_a_page(console: Console):
    answer = await ask(console, "POST", "/konsol/masuk", data={"nama": "x" * 200_000})
    assert (answer.status_code, "terlalu besar" in answer.text) == (413, True)


async def test_a_fault_of_the_bus_is_told_as_a_page(console: Console, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("3524010101010001")

    monkeypatch.setattr(type(console.bus.rooms.staff.sessions), "find", fail)
    transport = httpx.ASGITransport(console.edge, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://bus.example", cookies={SESSION: "x"}) as http:
        answer = await http.get("/konsol", headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (500, PAGE)
    assert "tidak terduga" in answer.text
    assert "3524010101010001" not in answer.text


async def test_the_page_of_a_fault_speaks_the_language_of_the_browser(console: Console):
    answer = await ask(console, "PUT", "/konsol/sesi", headers={"cookie": "a=b; __Host-konsol-bahasa=en"})
    assert "cannot be opened in that way" in answer.text


async def test_programs_and_the_api_get_problems(console: Console):
    for path, accept in (
        ("/konsol/sesi", "application/json"),
        ("/v1/participants", HTML["accept"]),
        ("/konsolx", "*/*"),
    ):
        answer = await ask(console, "PUT", path, headers={"accept": accept})
        assert answer.headers["content-type"] == "application/problem+json", path


async def test_strangers_of_an_address_shut_out_no_member_and_read_a_page(console: Console):
    member = console.member(Role.AUDITOR)
    secret = member.http.cookies[SESSION]
    await member.look("/konsol")
    async with (
        console.bus.opened(console.edge, PAGES, anonymous_rate=Rate(2, 600)) as (address, _),
        httpx.AsyncClient(base_url=address, trust_env=False) as http,
    ):
        paths = ["/konsol/masuk"] * 3
        answers = await asyncio.gather(*(http.get(path, headers=HTML) for path in paths))
        limited = [one for one in answers if one.status_code == 429]
        assert limited
        assert (limited[0].headers["content-type"], "Terlalu banyak permintaan" in limited[0].text) == (PAGE, True)
        assert limited[0].headers["retry-after"]
        cookie = {"cookie": f"{SESSION}={secret}"}
        assert (await http.get("/konsol/sesi", headers=HTML | cookie)).status_code == 200
        wrong = {"cookie": f"{SESSION}={secret}x"}
        assert (await http.get("/konsol/sesi", headers=HTML | wrong)).status_code == 429


async def test_a_session_that_ended_is_forgotten_when_it_is_used(console: Console):
    browser: Browser = console.member(Role.AUDITOR)
    sessions, secret = console.bus.rooms.staff.sessions, browser.http.cookies[SESSION]
    await browser.look("/konsol")
    assert sessions.remembers(secret)
    await browser.send("/konsol/keluar")
    sessions.find(secret)
    assert not sessions.remembers(secret)
