"""The register of participants over HTTP, and the dependency that guards it."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import OKPKey

from bus.actions.attempts import Attempts
from bus.actions.log import ActionLog
from bus.http import problems
from bus.http.api import oauth, participants
from bus.idempotency import KeptAnswers
from bus.identity.keys import create_keys, load_keys
from bus.identity.participants import Participants, bootstrap
from bus.identity.server import OAuthServer
from bus.identity.tokens import Tokens
from bus.identity.wrong_logins import LoginPolicy
from bus.limits import Limits, Rate
from bus.settings import load_settings
from bus.storage import open_storage, upgrade
from tests.an_actor import OPERATOR
from tests.http.admitting import NoOwnLimits, admitting

ISSUER = "https://bus.lamongan.example"
BAPENDA = {"name": "bapenda", "title": "Badan Pendapatan Daerah", "kind": "app"}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The operator's client of a new bus."""
    create_keys(tmp_path / "keys")
    keys = load_keys(tmp_path / "keys")
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    register = Participants(storage)
    tokens = Tokens(keys, ISSUER, storage)
    attempts = Attempts(ActionLog(storage))
    limits = Limits(NoOwnLimits())
    server = OAuthServer(tokens, register, storage, 600, limits, LoginPolicy(*[Rate(1000, 60)] * 3), attempts)
    app = FastAPI()
    app.state.rooms = SimpleNamespace(
        settings=load_settings(),
        keys=keys,
        tokens=tokens,
        participants=register,
        oauth=server,
        limits=limits,
        attempts=attempts,
        answers=KeptAnswers(storage, keys),
    )
    app.include_router(oauth.router)
    app.include_router(participants.router)
    problems.install(app)
    operator = bootstrap(storage, OPERATOR)
    assert operator is not None
    async with httpx.AsyncClient(transport=httpx.ASGITransport(admitting(app)), base_url=ISSUER) as client:
        client.headers["authorization"] = await authorization(client, *operator)
        yield client
    server.close()
    storage.close()


async def authorization(http: httpx.AsyncClient, client_id: str, client_secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return f"Bearer {(await http.post('/oauth/token', data=form)).json()['access_token']}"


async def a_client(http: httpx.AsyncClient, **fields: Any) -> dict[str, str]:
    await http.post("/v1/participants", json=BAPENDA)
    answer = await http.post("/v1/participants/bapenda/clients", json={"scopes": ["events.read"]} | fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def test_a_participant_is_added_and_listed(http: httpx.AsyncClient):
    assert (await http.post("/v1/participants", json=BAPENDA)).status_code == 201
    listed = (await http.get("/v1/participants")).json()
    assert BAPENDA | {"contact": None} in listed["participants"]
    assert listed["next"] is None


async def test_the_operator_sees_a_contact(http: httpx.AsyncClient) -> None:
    told = BAPENDA | {"contact": "tik@bapenda.example"}
    assert (await http.post("/v1/participants", json=told)).json() == told
    assert told in (await http.get("/v1/participants")).json()["participants"]


async def test_a_list_comes_in_pages(http: httpx.AsyncClient):
    await http.post("/v1/participants", json=BAPENDA)
    first = (await http.get("/v1/participants?limit=1")).json()
    second = (await http.get("/v1/participants", params={"limit": 1, "after": first["next"]})).json()
    names = [found["name"] for page in (first, second) for found in page["participants"]]
    assert names == ["bapenda", "operator"]
    assert second["next"] is None


async def test_a_contact_is_changed_and_taken_away(http: httpx.AsyncClient) -> None:
    await http.post("/v1/participants", json=BAPENDA)
    for contact in ("tik@bapenda.example", "helpdesk@bapenda.example", None):
        changed = await http.patch("/v1/participants/bapenda", json={"contact": contact})
        assert (changed.status_code, changed.json()) == (200, BAPENDA | {"contact": contact})
        assert changed.json() in (await http.get("/v1/participants")).json()["participants"]
    for wrong in ({}, {"contact": "a@b.example\r\nBcc: c@d.example"}, {"title": "Bapenda"}):
        assert (await http.patch("/v1/participants/bapenda", json=wrong)).status_code == 400
    assert (await http.patch("/v1/participants/dinkes", json={"contact": None})).status_code == 404


@pytest.mark.parametrize("cursor", ["x", "é", "AA==", "____"])
async def test_a_made_up_cursor_is_refused(http: httpx.AsyncClient, cursor: str):
    assert (await http.get("/v1/participants", params={"after": cursor})).status_code == 400


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": "Bapenda"}, 400),
        ({"kind": "operator"}, 400),
        ({"kind": "king"}, 400),
        ({"name": "operator"}, 409),
        ({"contact": "a@b.example, c@d.example"}, 400),
    ],
)
async def test_a_wrong_participant_is_refused(http: httpx.AsyncClient, fields: dict[str, str], status: int):
    answer = await http.post("/v1/participants", json=BAPENDA | fields)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_new_clients_credentials_get_a_token(http: httpx.AsyncClient):
    made = await a_client(http)
    assert await authorization(http, **made)


async def test_a_secret_is_shown_once(http: httpx.AsyncClient):
    made = await a_client(http)
    answer = await http.get("/v1/participants/bapenda/clients")
    (listed,) = answer.json()["clients"]
    assert (listed["client_id"], listed["scopes"]) == (made["client_id"], ["events.read"])
    assert made["client_secret"] not in answer.text


async def test_a_client_with_keys_is_added_and_has_no_secret(http: httpx.AsyncClient):
    made = await a_client(http, jwks={"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]})
    assert made.keys() == {"client_id"}


async def test_a_token_loses_at_once_what_is_taken_away_and_gains_nothing(http: httpx.AsyncClient):
    made = await a_client(http, scopes=["admin", "events.read"])
    path, secret = f"/v1/participants/bapenda/clients/{made['client_id']}", made.copy()
    early = {"authorization": await authorization(http, **secret)}
    seen = []
    for scopes in (["events.read"], ["events.read", "admin"], ["admin"]):
        answer = await http.patch(path, json={"scopes": scopes})
        assert (answer.status_code, answer.json()["scopes"]) == (200, sorted(scopes))
        late = {"authorization": await authorization(http, **secret)}
        seen.append([(await http.get("/v1/participants", headers=one)).status_code for one in (early, late)])
    # `admin` was taken and given again: the early token does not come to it again.
    assert seen == [[403, 403], [403, 200], [403, 200]]


async def test_a_token_from_before_a_scope_was_given_has_it_not(http: httpx.AsyncClient):
    made = await a_client(http)
    early = {"authorization": await authorization(http, **made)}
    path = f"/v1/participants/bapenda/clients/{made['client_id']}"
    assert (await http.patch(path, json={"scopes": ["events.read", "admin"]})).status_code == 200
    assert (await http.get("/v1/participants", headers=early)).status_code == 403
    told = await http.post("/oauth/introspect", data={"token": early["authorization"].removeprefix("Bearer "), **made})
    assert told.json()["scope"] == "events.read"


async def test_a_clients_keys_are_replaced(http: httpx.AsyncClient):
    made = await a_client(http)
    path = f"/v1/participants/bapenda/clients/{made['client_id']}"
    jwks = {"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]}
    assert (await http.patch(path, json={"jwks": jwks})).json()["scopes"] == ["events.read"]
    refused = await http.post("/oauth/token", data={"grant_type": "client_credentials", **made})
    assert refused.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({}, None),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["root"]}, "/scopes"),
        ({"scopes": "admin"}, "/scopes"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "YWJj"}]}}, "/jwks/keys/0"),
        ({"secret": "x"}, "/secret"),
    ],
)
async def test_a_wrong_change_of_a_client_is_refused(
    http: httpx.AsyncClient, change: dict[str, Any], pointer: str | None
):
    made = await a_client(http)
    answer = await http.patch(f"/v1/participants/bapenda/clients/{made['client_id']}", json=change)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json().get("errors", [])] == ([pointer] if pointer else [])


async def test_a_client_changes_nobody_not_even_itself(http: httpx.AsyncClient):
    made = await a_client(http)
    theirs = {"authorization": await authorization(http, **made)}
    path = f"/v1/participants/bapenda/clients/{made['client_id']}"
    assert (await http.patch(path, json={"scopes": ["admin"]}, headers=theirs)).status_code == 403
    (listed,) = (await http.get("/v1/participants/bapenda/clients")).json()["clients"]
    assert listed["scopes"] == ["events.read"]


async def test_a_revoked_client_is_not_changed(http: httpx.AsyncClient):
    made = await a_client(http)
    path = f"/v1/participants/bapenda/clients/{made['client_id']}"
    await http.delete(path)
    answer = await http.patch(path, json={"scopes": ["admin"]})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:bus:problem:client-revoked")


@pytest.mark.parametrize("fields", [{"scopes": ["root"]}, {"scopes": []}, {"jwks": {"keys": []}}])
async def test_a_wrong_client_is_refused(http: httpx.AsyncClient, fields: dict[str, Any]):
    await http.post("/v1/participants", json=BAPENDA)
    answer = await http.post("/v1/participants/bapenda/clients", json={"scopes": ["events.read"]} | fields)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] in {"/scopes", "/jwks"}


@pytest.mark.parametrize("name", ["nobody", "a%00"])
async def test_an_unknown_participant_has_no_clients(http: httpx.AsyncClient, name: str):
    assert (await http.get(f"/v1/participants/{name}/clients")).status_code == 404
    assert (await http.delete(f"/v1/participants/{name}/clients/client_x")).status_code == 404


async def test_a_revoked_clients_token_is_refused_at_once(http: httpx.AsyncClient):
    made = await a_client(http, scopes=["admin"])
    theirs = {"authorization": await authorization(http, **made)}
    assert (await http.get("/v1/participants", headers=theirs)).status_code == 200
    assert (await http.delete(f"/v1/participants/bapenda/clients/{made['client_id']}")).status_code == 204
    refused = await http.get("/v1/participants", headers=theirs)
    assert (refused.status_code, 'error="invalid_token"' in refused.headers["www-authenticate"]) == (401, True)


async def test_nobody_comes_in_without_a_token(http: httpx.AsyncClient):
    refused = await http.get("/v1/participants", headers={"authorization": ""})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_without_the_scope_is_not_enough(http: httpx.AsyncClient):
    theirs = {"authorization": await authorization(http, **await a_client(http))}
    refused = await http.get("/v1/participants", headers=theirs)
    assert refused.status_code == 403
    assert 'scope="admin"' in refused.headers["www-authenticate"]


async def test_the_documentation_says_which_scope_an_endpoint_needs(http: httpx.AsyncClient):
    document = (await http.get("/openapi.json")).json()
    assert document["paths"]["/v1/participants"]["get"]["security"] == [{"oauth": ["admin"]}]
    flow = document["components"]["securitySchemes"]["oauth"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "/oauth/token"
    assert "events.publish" in flow["scopes"]
