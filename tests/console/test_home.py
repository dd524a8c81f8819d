"""Beranda: the map, the table and the charts of chosen traffic, and the numbers that a stream keeps up to date."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from bus import clock, json
from bus.console import live
from bus.console.live import Live, LiveCrowded, Watcher, stream
from bus.delivery import NewSubscription, Webhook
from bus.delivery.state import DeliveryState
from bus.staff import Role
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA
from tests.console.a_console import HTML, SESSION, Console
from tests.rollups.a_traffic import ATraffic

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def traffic(console: Console) -> ATraffic:
    traffic = ATraffic(console.bus)
    now = clock.now()
    positions = traffic.accept(3, now - timedelta(hours=2))
    traffic.owe(positions)
    traffic.end(positions, DeliveryState.DELIVERED, now - timedelta(hours=1))
    traffic.counter.catch_up()
    return traffic


def rows(page: str) -> list[list[str]]:
    """The cells of the table of the exchange."""
    table = page.partition("Tabel pertukaran data")[2].partition("<tbody>")[2].partition("</tbody>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("</tr>") if "<th" in row]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in cells]


async def test_the_map_and_its_table_say_the_same(console: Console, traffic: ATraffic):
    console.bus.rooms.pulled.note(WARGA, "bapenda", 2)
    console.bus.rooms.pulled.flush()
    page = (await console.member(Role.OPERATOR).look("/konsol")).text
    ((sender, receiver, contract, arrived, pulled, dead, delay, state),) = rows(page)
    assert (sender, receiver, contract, arrived, pulled, dead) == (OWNER, "bapenda", WARGA, "3", "2", "0")
    assert delay == "3.600 detik"
    assert state.endswith("Lancar")
    assert f"<title>{OWNER} ke bapenda: 5 data</title>" in page
    assert '<path class="good"' in page


async def test_a_filter_shows_a_part_and_says_how_to_see_all(console: Console, traffic: ATraffic):
    browser = console.member(Role.OPERATOR)
    day = clock.local_date(clock.now() - timedelta(hours=1))
    for query in ("kantor=bapenda", f"kontrak={WARGA}", f"hari={day}"):
        page = (await browser.look(f"/konsol?{query}")).text
        assert "Hapus saringan" in page, query
        assert len(rows(page)) == 1, query
    for query in ("kantor=dinkes", "kontrak=lain.lain", "hari=2020-01-01"):
        page = (await browser.look(f"/konsol?{query}")).text
        assert "Tidak ada pertukaran data pada waktu ini." in page, query
    assert (await browser.look("/konsol?hari=kemarin")).status_code == 400


async def test_an_app_owner_sees_its_own_traffic_alone(console: Console, traffic: ATraffic):
    assert rows((await console.member(Role.APP_OWNER, "bapenda").look("/konsol")).text)
    other = (await console.member(Role.APP_OWNER, "dinkes", name="lain").look("/konsol")).text
    assert rows(other) == []
    assert "bapenda" not in other


async def test_a_contract_with_many_receivers_shows_a_dozen_and_how_many_there_are(console: Console, traffic: ATraffic):
    subscriptions = console.bus.rooms.subscriptions
    for _ in range(13):
        subscriptions.add(NewSubscription("bapenda", [WARGA], Webhook("http://127.0.0.1:1027/hook")), OPERATOR)
    page = (await console.member(Role.OPERATOR).look("/konsol")).text
    assert page.count(f'id="a-{WARGA}-') == 12
    assert "dan 2 penerima lain" in page


def read(chunk: bytes) -> dict[str, Any]:
    assert chunk.startswith(b"data: ")
    found: dict[str, Any] = json.loads(chunk.removeprefix(b"data: "))
    return found


async def test_a_stream_tells_the_numbers_that_the_page_has(console: Console, traffic: ATraffic):
    console.bus.rooms.waiting.finish()
    browser = console.member(Role.OPERATOR)
    answer = await browser.http.get("/konsol/langsung", headers={"accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    _, told = answer.content.split(b"\n\n", 1)
    page = (await browser.look("/konsol")).text
    for name, number in read(told)["angka"].items():
        if name != "at":
            assert f'data-angka="{name}">{number}<' in page, name


async def test_a_console_asks_for_no_computation_of_its_own(console: Console, monkeypatch: pytest.MonkeyPatch):
    looks = []
    look = live._look
    monkeypatch.setattr(live, "_look", lambda rooms: looks.append(1) or look(rooms))
    numbers = Live(console.bus.rooms)
    told = await asyncio.gather(
        *(numbers.write_message(reach, "id") for reach in (None, "bapenda", "dinkes") for _ in range(100))
    )
    assert len(looks) == 1
    assert len({id(one) for one in told}) == 3


async def test_a_participant_s_numbers_hold_nothing_of_others(console: Console, traffic: ATraffic):
    numbers = Live(console.bus.rooms)
    whole, own, other = [read(await numbers.write_message(one, "id"))["angka"] for one in (None, "bapenda", "dinkes")]
    assert (whole["subscribers"], own["subscribers"], other["subscribers"]) == ("1", "1", "0")
    assert "position" in whole
    assert "position" not in own


async def test_streams_are_bounded_for_a_session_and_in_all(console: Console, monkeypatch: pytest.MonkeyPatch):
    numbers = Live(console.bus.rooms)
    with numbers.count("a"), numbers.count("a"), numbers.count("a"), numbers.count("a"):
        with pytest.raises(LiveCrowded):
            numbers.check_room("a")
        numbers.check_room("b")
        monkeypatch.setattr(numbers, "_most", 4)
        with pytest.raises(LiveCrowded):
            numbers.check_room("b")
    numbers.check_room("a")


async def test_streams_that_are_asked_for_at_once_are_bounded_too(console: Console):
    rooms, numbers = console.bus.rooms, Live(console.bus.rooms)
    secret = console.member(Role.OPERATOR).http.cookies[SESSION]
    for _ in range(6):
        # All of them are checked before the first begins.
        numbers.check_room("session_x")
    streams = [stream(numbers, rooms, secret, "session_x", None, "id") for _ in range(6)]
    assert [await anext(one) for one in streams] == [b"retry: 10000\n\n"] * 6
    told = [await anext(one, b"") for one in streams]
    assert [one.startswith(b"data:") for one in told] == [True] * 4 + [False] * 2
    for one in streams:
        await one.aclose()


async def test_a_stream_ends_with_its_session(console: Console, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, "_PROOF_SECONDS", 0.0)
    monkeypatch.setattr(live, "EVERY_SECONDS", 0.01)
    browser, rooms = console.member(Role.OPERATOR), console.bus.rooms
    secret = browser.http.cookies[SESSION]
    events = stream(Live(rooms), rooms, secret, "session_x", None, "id")
    assert (await anext(events)).startswith(b"retry:")
    assert (await anext(events)).startswith(b"data:")
    await browser.send("/konsol/keluar")
    async with asyncio.timeout(30):
        assert [one async for one in events if one.startswith(b"retry")] == []


async def test_a_stream_ends_when_the_process_stops(console: Console):
    rooms = console.bus.rooms
    watcher = Watcher(rooms, "x")
    with rooms.waiting.enter(watcher):
        waiting = asyncio.ensure_future(watcher.wait(60))
        await asyncio.sleep(0)
        rooms.waiting.finish()
        assert await waiting is False


async def test_an_open_stream_keeps_no_session_alive(console: Console, monkeypatch: pytest.MonkeyPatch):
    console.bus.rooms.waiting.finish()
    browser, used = console.member(Role.OPERATOR), []
    sessions = console.bus.rooms.staff.sessions
    find = sessions.find
    monkeypatch.setattr(
        sessions, "find", lambda secret, *, is_used=True: used.append(is_used) or find(secret, is_used=False)
    )
    await browser.http.get("/konsol/langsung", headers={"accept": "text/event-stream"})
    assert used == [False]
    answer = await console.nobody().http.get("/konsol/langsung", headers={"accept": "text/event-stream"})
    assert answer.status_code == 204
    assert (await console.nobody().http.get("/konsol/langsung", headers=HTML)).status_code == 303
