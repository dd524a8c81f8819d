"""The action log over HTTP: each act leaves one entry, each refusal of one too, and auditors find them."""

import asyncio
from typing import Any, Final

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from bus.actions.action import Action, Object, Result, Verb
from bus.actions.actor import Channel
from bus.identity.scopes import Scope
from tests.a_bus import Bus
from tests.an_actor import actions, last_action
from tests.builders import WARGA
from tests.http.an_act import ACTS, NO_ACTS, PROVEN_BY_SECRET, Ordered, Site

LOG = "/v1/actions"
_CHANGING = ("post", "put", "patch", "delete")
NIK = "3524010101900001"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def site(bus: Bus) -> Site:
    return Site(bus)


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Where the statements are those that other tests run on both databases."""


async def noted(site: Site, after: int) -> list[Action]:
    """The entries behind an id, attempts too."""
    storage = site.bus.rooms.storage
    await asyncio.to_thread(site.bus.rooms.attempts.flush)
    return await asyncio.to_thread(actions, storage, after)


async def search(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(LOG, params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["actions"]
    return found


@only_sqlite
async def test_every_operation_that_changes_something_is_an_act_or_named_as_none(site: Site):
    document = (await site.operator.get("/openapi.json")).json()
    changing = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
        if method in _CHANGING
    }
    assert changing == {one for one in ACTS if not one.startswith("GET")} | set(NO_ACTS)


CAUSED: Final = {Verb.ACCESS_ACCEPT: [Verb.CONTRACT_DRAFT]}
"""Acts that come with another act."""


@pytest.mark.parametrize("operation", ACTS)
async def test_an_act_leaves_one_entry_that_says_who_and_on_what(site: Site, operation: str):
    verb, prepare = ACTS[operation]
    ordered = await asyncio.to_thread(prepare, site)
    after = last_action(site.bus.rooms.storage)
    answer = await site.send(operation, ordered, site.operator)
    assert answer.is_success, answer.text
    *before, told = await noted(site, after)
    assert [one.what for one in before] == CAUSED.get(verb, [])
    assert (told.what, told.result, told.count) == (verb, Result.DONE, 1)
    assert (told.by.channel, told.by.address) == (Channel.HTTP, "127.0.0.1")
    assert told.by.participant == ("bapenda" if operation == PROVEN_BY_SECRET else "operator")
    assert (told.by.client_id or "").startswith("client_")
    assert told.on.kind == verb.kind


@only_sqlite
@pytest.mark.parametrize("operation", [one for one in ACTS if one != PROVEN_BY_SECRET])
async def test_an_act_that_is_refused_for_lack_of_authority_leaves_one_entry(site: Site, operation: str):
    verb, prepare = ACTS[operation]
    ordered = await asyncio.to_thread(prepare, site)
    without = site.bus.reader("dinsos", "queries.call")
    after = last_action(site.bus.rooms.storage)
    assert (await site.send(operation, ordered, without)).status_code == 403
    (told,) = await noted(site, after)
    assert (told.what, told.result) == (Verb.AUTHORITY_REFUSED, Result.REFUSED)
    assert told.details == {"tried": verb.value, "reason": "scope-missing"}
    assert told.by.participant == "dinsos"


@only_sqlite
@pytest.mark.parametrize("operation", [one for one in ACTS if "/subscriptions/{id}" in one or "/deliveries/" in one])
async def test_who_steers_what_is_another_s_is_told_there_is_none_and_leaves_an_entry(site: Site, operation: str):
    verb, prepare = ACTS[operation]
    ordered = await asyncio.to_thread(prepare, site)
    another = site.bus.reader("dinsos", "subscriptions.manage")
    after = last_action(site.bus.rooms.storage)
    answer = await site.send(operation, ordered, another)
    nowhere = await site.send(operation, Ordered(ordered.path.replace("sub_", "sub_x"), ordered.body), another)
    assert (answer.status_code, answer.json()["title"]) == (404, nowhere.json()["title"])
    assert answer.json().keys() == nowhere.json().keys()
    (told,) = await noted(site, after)
    assert (told.what, told.details) == (
        Verb.AUTHORITY_REFUSED,
        {"tried": verb.value, "reason": "subscription-unknown"},
    )


def refused_by(operation: str) -> str:
    """The refusal of an office that neither owns what it moves nor approves it."""
    if "/v1/adapters/" in operation:
        return "adapter-operator-word" if operation.endswith("/activate") else "adapter-not-owner"
    return "not-owner" if operation.endswith("/retire") else "domain-not-yours"


@only_sqlite
@pytest.mark.parametrize("operation", [one for one in ACTS if one.endswith(("/activate", "/retire", "/propose"))])
async def test_who_moves_another_s_contract_leaves_an_entry(site: Site, operation: str):
    _, prepare = ACTS[operation]
    ordered = await asyncio.to_thread(prepare, site)
    another = site.bus.reader("dinsos", "contracts.write", "contracts.approve")
    after = last_action(site.bus.rooms.storage)
    assert (await site.send(operation, ordered, another)).status_code == 403
    (told,) = await noted(site, after)
    assert (told.what, (told.details or {})["reason"]) == (
        Verb.AUTHORITY_REFUSED,
        refused_by(operation),
    )


@only_sqlite
@pytest.mark.parametrize(
    ("scope", "path", "operation", "reason"),
    [
        ("contracts.read", f"/v1/records/{WARGA}/{NIK}", "GET /v1/records/{contract}/{key:path}", "scope-missing"),
        ("events.read", "/v1/contracts", "GET /v1/contracts", "scope-missing"),
        ("events.read", f"/v1/feeds/{WARGA}", "GET /v1/feeds/{contract}", "not-granted"),
        ("events.read", f"/v1/records/{WARGA}", "GET /v1/records/{contract}", "not-granted"),
        ("contracts.read", "/v1/participants/dinsos/access", "GET /v1/participants/{name}/access", "not-your-access"),
    ],
)
async def test_a_read_that_is_refused_leaves_an_entry_with_its_operation_and_nobodys_key(
    site: Site, scope: str, path: str, operation: str, reason: str
):
    reader = site.bus.reader("satpol-pp", scope)
    after = last_action(site.bus.rooms.storage)
    assert (await reader.get(path)).status_code == 403
    (told,) = await noted(site, after)
    assert (told.what, told.result, told.by.participant) == (Verb.AUTHORITY_REFUSED, Result.REFUSED, "satpol-pp")
    assert (told.on, told.details) == (Object("operation", operation), {"tried": "request", "reason": reason})


@only_sqlite
async def test_reads_that_are_refused_are_counted_by_client_operation_and_minute(site: Site):
    reader = site.bus.reader("satpol-pp", "events.read")
    after = last_action(site.bus.rooms.storage)
    for number in range(60):
        await reader.get(f"/v1/records/{WARGA}/{number}")
        await reader.get(f"/v1/feeds/{WARGA}")
    await asyncio.to_thread(site.bus.rooms.attempts.flush, all=True)
    told = await noted(site, after)
    # A first entry and a count for each of two operations; a minute may end in between.
    assert len(told) <= 8
    assert sum(one.count for one in told) == 120


@only_sqlite
async def test_a_read_that_is_answered_or_finds_nothing_leaves_no_entry(site: Site):
    reader = site.bus.reader("bapenda", "events.read")
    after = last_action(site.bus.rooms.storage)
    assert (await reader.get(f"/v1/records/{WARGA}")).status_code == 200
    assert (await reader.get(f"/v1/records/{WARGA}/{NIK}")).status_code == 404
    assert await noted(site, after) == []


@only_sqlite
async def test_a_client_that_asks_for_more_than_its_scopes_leaves_an_entry(site: Site):
    form = await asyncio.to_thread(site.token)
    after = last_action(site.bus.rooms.storage)
    login = {"grant_type": "client_credentials", "client_id": form["client_id"], "client_secret": form["client_secret"]}
    answer = await site.operator.post("/oauth/token", data=login | {"scope": "admin"})
    assert answer.json()["error"] == "invalid_scope"
    (told,) = await noted(site, after)
    assert (told.what, told.by.client_id) == (Verb.AUTHORITY_REFUSED, form["client_id"])
    assert (told.on.id, told.details) == ("POST /oauth/token", {"tried": "request", "reason": "invalid-scope"})


@only_sqlite
async def test_a_request_without_a_good_token_is_no_act(site: Site):
    after = last_action(site.bus.rooms.storage)
    answer = await site.operator.post("/v1/participants", json={}, headers={"authorization": "Bearer lain"})
    assert answer.status_code == 401
    assert await noted(site, after) == []


@only_sqlite
async def test_an_act_that_is_wrong_leaves_no_entry(site: Site):
    after = last_action(site.bus.rooms.storage)
    for body in (
        {"name": "bapenda", "title": "Lain", "kind": "app"},
        {"name": "Ü", "title": "Lain", "kind": "app"},
        {},
    ):
        assert (await site.operator.post("/v1/participants", json=body)).status_code in (400, 409, 422)
    assert await noted(site, after) == []


@only_sqlite
async def test_a_change_of_nothing_leaves_no_entry(site: Site):
    path = f"/v1/subscriptions/{(await asyncio.to_thread(site.subscription)).id}"
    after = last_action(site.bus.rooms.storage)
    assert (await site.operator.patch(path, json={})).status_code == 200
    assert await noted(site, after) == []


@only_sqlite
async def test_a_new_sink_is_told_as_it_was_and_is(site: Site):
    path = f"/v1/subscriptions/{(await asyncio.to_thread(site.subscription)).id}"
    await site.operator.patch(path, json={"sink": {"url": "http://127.0.0.1:1027/lain?token=rahasia"}})
    (told,) = await search(site.operator, what="subscription.change")
    assert told["before"] == {"sink": {"url": "http://127.0.0.1:1027/hook"}}
    assert told["after"] == {"sink": {"url": "http://127.0.0.1:1027/lain?token=…"}}
    assert told["on_behalf_of"] == "bapenda"


@only_sqlite
async def test_an_entry_has_all_that_an_auditor_asks_for(site: Site):
    document = {"name": "dinas-uji", "title": "Dinas Uji", "kind": "app"}
    await site.operator.post("/v1/participants", json=document, headers={"traceparent": TRACE})
    (told,) = await search(site.bus.reader("inspektorat", "audit.read"), object="dinas-uji")
    assert told["who"].pop("client_id").startswith("client_")
    assert told.pop("at").endswith("Z")
    assert told == {
        "who": {"participant": "operator", "user": None, "as_operator": True},
        "on_behalf_of": "dinas-uji",
        "from": "127.0.0.1",
        "channel": "http",
        "what": "participant.add",
        "object": {"kind": "participant", "id": "dinas-uji"},
        "before": None,
        "after": {"kind": "app"},
        "details": None,
        "result": "done",
        "count": 1,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }


async def test_a_long_log_comes_in_pages_the_newest_first(site: Site):
    for number in range(5):
        await site.operator.post("/v1/participants", json={"name": f"dinas-{number}", "title": "Uji", "kind": "app"})
    params: dict[str, Any] = {"what": "participant.add", "limit": 2}
    names: list[str] = []
    while True:
        page = (await site.operator.get(LOG, params=params)).json()
        names += [one["object"]["id"] for one in page["actions"]]
        if page["next"] is None:
            break
        params["after"] = page["next"]
    assert names[:5] == [f"dinas-{number}" for number in (4, 3, 2, 1, 0)]
    assert len(names) == len(set(names))


@only_sqlite
@pytest.mark.parametrize(
    "params",
    [{"what": "lain"}, {"since": "2026-11-24"}, {"limit": 0}, {"after": "lain"}, {"who": ""}, {"object": "\n"}],
)
async def test_a_wrong_parameter_is_refused(site: Site, params: dict[str, Any]):
    assert (await site.operator.get(LOG, params=params)).status_code == 400


@only_sqlite
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_moment_at_the_end_of_time_is_no_fault(site: Site, moment: str):
    assert (await site.operator.get(LOG, params={"since": moment, "until": moment})).status_code == 200


@only_sqlite
async def test_only_auditors_read_the_log(site: Site):
    scopes = [scope for scope in Scope if scope is not Scope.AUDIT_READ]
    assert (await site.bus.reader("operator", *scopes).get(LOG)).status_code == 403


@only_sqlite
async def test_who_looks_at_the_log_is_in_it(site: Site):
    auditor = site.bus.reader("inspektorat", "audit.read")
    await search(auditor, who="bapenda")
    (told,) = await search(auditor, what="actions.read")
    assert (told["who"]["participant"], told["details"]) == ("inspektorat", {"who": "bapenda"})


@only_sqlite
async def test_a_failed_login_is_told_by_its_client_and_address(site: Site):
    form = await asyncio.to_thread(site.token)
    after = last_action(site.bus.rooms.storage)
    wrong = {"grant_type": "client_credentials", "client_id": form["client_id"], "client_secret": "salah"}
    assert (await site.operator.post("/oauth/token", data=wrong)).status_code == 401
    (told,) = await noted(site, after)
    assert (told.what, told.on.id, told.on_behalf_of) == (Verb.LOGIN_FAIL, form["client_id"], "bapenda")
    assert (told.by.participant, told.by.address) == ("", "127.0.0.1")


@only_sqlite
@pytest.mark.parametrize("way", ["basic", "form", "assertion"])
async def test_a_failed_login_of_a_client_that_was_revoked_is_told(site: Site, way: str):
    form = await asyncio.to_thread(site.token)
    of = form["client_id"]
    await site.operator.delete(f"/v1/participants/bapenda/clients/{of}")
    after = last_action(site.bus.rooms.storage)
    sent: dict[str, Any] = {"data": {"grant_type": "client_credentials"}}
    if way == "basic":
        sent["auth"] = (of, form["client_secret"])
    elif way == "form":
        sent["data"] |= {"client_id": of, "client_secret": form["client_secret"]}
    else:
        sent["data"] |= {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": _assertion(of),
        }
    assert (await site.operator.post("/oauth/token", **sent)).status_code == 401
    assert [(one.what, one.on.id) for one in await noted(site, after)] == [(Verb.LOGIN_FAIL, of)]


def _assertion(client_id: str) -> str:
    key = OKPKey.generate_key("Ed25519")
    return jwt.encode({"alg": "EdDSA"}, {"sub": client_id, "iss": client_id}, key, algorithms=["EdDSA"])
