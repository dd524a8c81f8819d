"""Revocation and introspection (RFC 7009, RFC 7662): who may end a token, and who learns what it says."""

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client

from tests.http.api.oauth.a_server import Bus, a_token


def test_a_client_library_revokes_its_token(bus: Bus, served: str):
    with OAuth2Client(bus.client_id, bus.secret) as client:
        token = client.fetch_token(f"{served}/oauth/token", grant_type="client_credentials")["access_token"]
        assert client.introspect_token(f"{served}/oauth/introspect", token).json()["active"]
        assert client.revoke_token(f"{served}/oauth/revoke", token).status_code == 200
        assert client.introspect_token(f"{served}/oauth/introspect", token).json() == {"active": False}


async def test_nobody_revokes_the_token_of_another(http: httpx.AsyncClient, bus: Bus):
    token = await a_token(http, bus)
    client_id, secret = bus.a_client()
    form = {"token": token, "client_id": client_id, "client_secret": secret}
    assert (await http.post("/oauth/revoke", data=form)).json()["error"] == "invalid_grant"
    assert bus.tokens.verify(f"Bearer {token}".encode())


@pytest.mark.parametrize("token", ["rahasia", "é", ""])
async def test_a_token_that_is_worth_nothing_is_revoked_without_an_error(http: httpx.AsyncClient, bus: Bus, token: str):
    form = {"token": token, "token_type_hint": "strange", "client_id": bus.client_id, "client_secret": bus.secret}
    assert (await http.post("/oauth/revoke", data=form)).status_code == (200 if token else 400)


async def test_what_a_token_says_is_told_to_its_owner_and_the_operator_alone(http: httpx.AsyncClient, bus: Bus):
    token = await a_token(http, bus)
    callers = {"owner": (bus.client_id, bus.secret), "operator": bus.a_client("admin"), "other": bus.a_client()}
    told = {
        who: (await http.post("/oauth/introspect", data={"token": token}, auth=callers[who])).json() for who in callers
    }
    assert told["other"] == {"active": False}
    assert told["owner"] == told["operator"]
    assert told["owner"]["client_id"] == bus.client_id
    assert told["owner"]["scope"] == "events.publish events.read"


@pytest.mark.parametrize("endpoint", ["revoke", "introspect"])
async def test_who_does_not_prove_itself_learns_nothing_of_tokens(http: httpx.AsyncClient, bus: Bus, endpoint: str):
    answer = await http.post(f"/oauth/{endpoint}", data={"token": await a_token(http, bus)})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
