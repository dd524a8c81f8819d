"""The preview of a replay tells what would be delivered under the grants of today, and delivers nothing."""

import pytest

from bus.delivery import NewSubscription, Webhook
from bus.identity import Scope
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import WARGA, a_document, a_grant

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NIKS = ("3524011010900001", "3524011010900002", "3524011010900001")


async def test_a_preview_counts_events_and_keys_and_delivers_nothing(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    positions = [await bus.publish({"nik": nik}) for nik in NIKS]
    made = bus.rooms.subscriptions.add(NewSubscription("bapenda", [WARGA], Webhook("https://a.example/")), OPERATOR)
    before = bus.rooms.subscriptions.get(made.id, None)
    http = bus.reader("bapenda", Scope.SUBSCRIPTIONS_MANAGE)
    path = f"/v1/subscriptions/{made.id}/replay"
    seen = await http.post(path, params={"preview": "true"}, json={"from": "beginning"})
    assert seen.status_code == 200
    assert seen.json() == {"events": 3, "keys": 2, "until": positions[-1], "is_whole": True}
    seen = await http.post(path, params={"preview": "true"}, json={"from": positions[-1]})
    assert (seen.json()["events"], seen.json()["keys"]) == (1, 1)
    after = bus.rooms.subscriptions.get(made.id, None)
    assert (after.replay_position, after.replay_until) == (before.replay_position, before.replay_until)


async def test_a_preview_counts_what_todays_grants_let_through(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda", rows=[{"exact": {"nik": NIKS[1]}}])))
    for nik in NIKS:
        await bus.publish({"nik": nik})
    made = bus.rooms.subscriptions.add(NewSubscription("bapenda", [WARGA], Webhook("https://a.example/")), OPERATOR)
    http = bus.reader("bapenda", Scope.SUBSCRIPTIONS_MANAGE)
    path = f"/v1/subscriptions/{made.id}/replay"
    seen = (await http.post(path, params={"preview": "true"}, json={"from": "beginning"})).json()
    assert (seen["events"], seen["keys"]) == (1, 1)
