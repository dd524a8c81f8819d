"""Staff over HTTP."""

import pytest

from bus.actions import Verb
from bus.identity import Kind, Scope
from bus.staff import LINK_PATH, Role
from tests.a_bus import ADDRESS, Bus
from tests.an_actor import OPERATOR, actions, last_action

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

STAFF = "/v1/staff"


async def test_the_operator_adds_a_member_and_gets_the_link_once(bus: Bus) -> None:
    bus.rooms.participants.add("bapenda", "Badan Pendapatan", Kind.APP, OPERATOR)
    operator = bus.reader("operator", Scope.ADMIN)
    order = {"name": "andi", "role": "pemilik-aplikasi", "participant": "bapenda"}
    made = await operator.post(STAFF, json=order)
    assert (made.status_code, made.headers["location"], made.headers["cache-control"]) == (
        201,
        f"{STAFF}/andi",
        "no-store",
    )
    secret = made.json()["link"].removeprefix(f"{ADDRESS}{LINK_PATH}")
    assert bus.rooms.staff.accounts.read_link(secret).account.name == "andi"
    told = (await operator.get(f"{STAFF}/andi")).json()
    assert (told["role"], told["participant"], told["is_set_up"], told["is_disabled"]) == (
        "pemilik-aplikasi",
        "bapenda",
        False,
        False,
    )
    assert "link" not in told
    assert (await operator.post(STAFF, json=order)).status_code == 409
    assert (await operator.post(STAFF, json=order | {"name": "rini", "role": "auditor"})).status_code == 400


async def test_accounts_are_listed_page_by_page(bus: Bus) -> None:
    for name in ("andi", "rini", "siti"):
        bus.rooms.staff.accounts.add(name, Role.AUDITOR, None, OPERATOR)
    operator = bus.reader("operator", Scope.ADMIN)
    first = (await operator.get(STAFF, params={"limit": 2})).json()
    rest = (await operator.get(STAFF, params={"after": first["next"]})).json()
    assert [one["name"] for one in first["staff"] + rest["staff"]] == ["andi", "rini", "siti"]
    assert rest["next"] is None


async def test_the_operator_ends_sessions_makes_a_new_link_and_shuts_out(bus: Bus) -> None:
    staff, operator = bus.rooms.staff, bus.reader("operator", Scope.ADMIN)
    account = staff.accounts.read_link(staff.accounts.add("rini", Role.AUDITOR, None, OPERATOR)).account
    after = last_action(bus.rooms.storage)
    session = staff.sessions.open(account, "10.1.2.3", "Uji")
    assert (await operator.post(f"{STAFF}/rini/end-sessions")).status_code == 204
    assert staff.sessions.find(session) is None
    assert (await operator.post(f"{STAFF}/rini/link")).json()["name"] == "rini"
    assert (await operator.delete(f"{STAFF}/rini")).status_code == 204
    assert (await operator.get(f"{STAFF}/rini")).json()["is_disabled"] is True
    assert (await operator.post(f"{STAFF}/rini/link")).status_code == 409
    told = [one.what for one in actions(bus.rooms.storage, after)]
    assert told == [Verb.SESSION_OPEN, Verb.STAFF_END_SESSIONS, Verb.STAFF_LINK, Verb.STAFF_DISABLE]


async def test_staff_is_the_operators_affair(bus: Bus) -> None:
    app = bus.reader("bapenda", Scope.EVENTS_READ)
    for method, path in (
        ("GET", ""),
        ("POST", ""),
        ("POST", "/rini/link"),
        ("POST", "/rini/end-sessions"),
        ("DELETE", "/rini"),
    ):
        assert (await app.request(method, STAFF + path, json={} if method == "POST" else None)).status_code == 403
