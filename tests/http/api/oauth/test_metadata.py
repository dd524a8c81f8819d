"""The documents from which clients configure themselves (RFC 8414, RFC 9728, JWKS)."""

from types import SimpleNamespace

import httpx
import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from bus.settings import load_settings
from tests.http.api.oauth.a_server import ALGORITHMS, ISSUER, Bus, a_token


async def test_the_published_keys_verify_a_token(http: httpx.AsyncClient, bus: Bus):
    token = await a_token(http, bus)
    keys = KeySet.import_key_set((await http.get("/oauth/jwks")).json())
    assert jwt.decode(token, keys, algorithms=["EdDSA"]).claims["aud"] == ISSUER


async def test_the_server_describes_itself_as_rfc_8414_says(http: httpx.AsyncClient):
    document = (await http.get("/.well-known/oauth-authorization-server")).json()
    # authlib takes no empty list, which is what RFC 8414 asks of a server without an authorization endpoint.
    AuthorizationServerMetadata(document | {"response_types_supported": ["none"]}).validate()
    assert document["issuer"] == ISSUER
    assert document["response_types_supported"] == []
    for endpoint in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        assert document[f"{endpoint}_auth_signing_alg_values_supported"] == list(ALGORITHMS)
    assert document["service_documentation"] == f"{ISSUER}/docs"
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        assert (await http.post(document[name])).status_code == 400
    assert (await http.get(document["jwks_uri"])).status_code == 200


@pytest.mark.parametrize("settings", [{"operation_address": "127.0.0.1:9090"}, {"operation_scope": "admin"}])
async def test_documentation_that_is_not_served_to_everybody_is_not_announced(
    http: httpx.AsyncClient, bus: Bus, settings: dict[str, str]
):
    rooms = bus.app.state.rooms
    bus.app.state.rooms = SimpleNamespace(**vars(rooms) | {"settings": load_settings(**settings)})
    for name in ("oauth-authorization-server", "oauth-protected-resource"):
        assert "documentation" not in (await http.get(f"/.well-known/{name}")).text
    bus.app.state.rooms = rooms


async def test_the_resource_describes_itself_as_rfc_9728_says(http: httpx.AsyncClient):
    document = (await http.get("/.well-known/oauth-protected-resource")).json()
    assert document["resource"] == ISSUER
    assert document["authorization_servers"] == [ISSUER]
    assert document["bearer_methods_supported"] == ["header"]
