"""Past events that are delivered again from the console, after a preview."""

import pytest

from bus import clock
from bus.actions import Verb
from bus.delivery import NewSubscription, Webhook
from bus.delivery.replays import go_live
from bus.staff import Role
from tests.an_actor import OPERATOR, actions, last_action
from tests.builders import WARGA, a_document, a_grant
from tests.console.a_console import Console

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_a_replay_tells_what_it_delivers_before_it_begins(console: Console):
    bus = console.bus
    bus.apply(a_document(a_grant("bapenda")))
    for nik in ("3524011010900001", "3524011010900002", "3524011010900001"):
        await bus.publish({"nik": nik})
    made = bus.rooms.subscriptions.add(NewSubscription("bapenda", [WARGA], Webhook("https://a.example/")), OPERATOR)
    with bus.rooms.storage.write() as transaction:
        go_live(transaction, made.number, 0)
    browser, path = console.member(Role.APP_OWNER), f"/konsol/penerima/{made.id}"
    after, today = last_action(bus.rooms.storage), clock.local_date(clock.now())
    page = await browser.send(f"{path}/putar-ulang/pratinjau", path, dari=today.isoformat())
    assert "3 peristiwa, 2 kunci, dengan izin hari ini" in page.text
    assert (await browser.send(f"{path}/putar-ulang", path, setelah="0")).headers["location"] == path
    assert [one.what for one in actions(bus.rooms.storage, after)] == [Verb.SUBSCRIPTION_REPLAY]
    again = await browser.send(f"{path}/putar-ulang", path, setelah="0")
    assert (again.status_code, "masih berjalan" in again.text) == (409, True)
    for wrong in ("", "x", "-1", "9" * 40):
        assert (await browser.send(f"{path}/putar-ulang", path, setelah=wrong)).status_code == 400
    assert (await browser.send(f"{path}/putar-ulang/pratinjau", path, dari="kemarin")).status_code == 400
