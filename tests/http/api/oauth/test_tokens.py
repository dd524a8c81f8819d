"""Getting a token: by a client library, with a secret, in a form; and what is refused."""

import re
from urllib.parse import quote

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client, OAuthError
from joserfc.jwk import OKPKey

from tests.an_actor import OPERATOR
from tests.http.api.oauth.a_server import ASSERTION, ISSUER, Bus, an_assertion, credentials


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_library_gets_a_token(bus: Bus, served: str, method: str):
    with OAuth2Client(bus.client_id, bus.secret, token_endpoint_auth_method=method, scope="events.read") as client:
        token = client.fetch_token(f"{served}/oauth/token", grant_type="client_credentials")
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 600, "events.read")
    assert bus.tokens.verify(f"Bearer {token['access_token']}".encode()).participant == "bapenda"


def test_a_client_library_is_told_what_is_wrong(bus: Bus, served: str):
    with OAuth2Client(bus.client_id, "wrong") as client, pytest.raises(OAuthError, match="invalid_client"):
        client.fetch_token(f"{served}/oauth/token", grant_type="client_credentials")


async def test_a_token_is_not_to_be_stored(http: httpx.AsyncClient, bus: Bus):
    answer = await http.post("/oauth/token", data=credentials(bus))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json()["scope"] == "events.publish events.read"


async def test_a_secret_may_hold_what_a_url_may_not(http: httpx.AsyncClient, bus: Bus):
    # RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
    auth = httpx.BasicAuth(quote(bus.client_id, safe=""), "".join(f"%{ord(letter):02X}" for letter in bus.secret))
    assert (await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth)).status_code == 200


REFUSALS: dict[str, tuple[dict[str, str | None], int, str]] = {
    "no grant type": ({"grant_type": None}, 400, "invalid_request"),
    "another grant type": ({"grant_type": 'pass"wordé'}, 400, "unsupported_grant_type"),
    "an unknown scope": ({"scope": "root"}, 400, "invalid_scope"),
    "a scope beyond its own": ({"scope": "events.read admin"}, 400, "invalid_scope"),
    "a wrong secret": ({"client_secret": "wrong"}, 401, "invalid_client"),
    "an unknown client": ({"client_id": "client_x"}, 401, "invalid_client"),
    "a client id that no database holds": ({"client_id": "a\x00"}, 401, "invalid_client"),
    "no client": ({"client_id": None, "client_secret": None}, 401, "invalid_client"),
    "no secret": ({"client_secret": None}, 401, "invalid_client"),
    "two proofs": ({"client_assertion": "x", "client_assertion_type": ASSERTION}, 400, "invalid_request"),
}


@pytest.mark.parametrize(("fields", "status", "error"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_wrong_request_is_refused(
    http: httpx.AsyncClient, bus: Bus, fields: dict[str, str | None], status: int, error: str
):
    form = {name: value for name, value in (credentials(bus) | fields).items() if value is not None}
    answer = await http.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    # RFC 6749, section 5.2 allows these characters alone.
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*", answer.json()["error_description"])
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_nobody_learns_which_clients_exist(http: httpx.AsyncClient, bus: Bus):
    wrong = await http.post("/oauth/token", data=credentials(bus, client_secret="wrong"))
    unknown = await http.post("/oauth/token", data=credentials(bus, client_id="client_x"))
    assert (wrong.status_code, wrong.content, wrong.headers) == (unknown.status_code, unknown.content, unknown.headers)


@pytest.mark.parametrize(
    "authorization", [b"Basic", b"Basic !!!", b"Basic /////w==", b"Basic YQ==", b"Bearer x", b"Basic YTpi", b"\xff"]
)
async def test_rubbish_in_the_header_proves_nothing(http: httpx.AsyncClient, authorization: bytes):
    headers = {b"authorization": authorization}
    answer = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"grant_type": "client_credentials"}'),
        ("application/x-www-form-urlencoded", b"grant_type=client_credentials&grant_type=client_credentials"),
        ("application/x-www-form-urlencoded", b"grant_type=%ff"),
        ("application/x-www-form-urlencoded", b"\xff=1"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % i for i in range(100))),
        ("application/x-www-form-urlencoded", b""),
    ],
    ids=["json", "repeated", "not utf-8", "not ascii", "too many", "empty"],
)
async def test_a_form_that_cannot_be_read_is_refused(http: httpx.AsyncClient, kind: str, body: bytes):
    answer = await http.post("/oauth/token", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_form_that_is_too_large_is_refused(http: httpx.AsyncClient):
    assert (await http.post("/oauth/token", content=b"a" * 70_000)).status_code == 413


async def test_a_revoked_client_gets_no_token(http: httpx.AsyncClient, bus: Bus):
    client_id, secret = bus.a_client()
    bus.participants.revoke_client("bapenda", client_id, OPERATOR)
    bus.tokens.refresh()
    answer = await http.post("/oauth/token", data=credentials(bus, client_id=client_id, client_secret=secret))
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
@pytest.mark.parametrize("proof", ["basic", "post", "assertion", "none"])
async def test_a_client_that_does_not_prove_itself_is_challenged_with_a_realm(
    http: httpx.AsyncClient, bus: Bus, path: str, proof: str
):
    form = {"grant_type": "client_credentials", "token": "x"}
    auth = ("client_x", "salah") if proof == "basic" else None
    form |= {"client_id": bus.client_id, "client_secret": "salah"} if proof == "post" else {}
    form |= an_assertion(OKPKey.generate_key("Ed25519"), bus.client_id) if proof == "assertion" else {}
    answer = await http.post(f"/oauth/{path}", data=form, auth=auth)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="bus"')


@pytest.mark.parametrize("resources", [[], [ISSUER], [f"{ISSUER}/"], [ISSUER, ISSUER], [""]])
async def test_a_token_for_the_bus_by_name_is_a_token_for_the_bus(
    http: httpx.AsyncClient, bus: Bus, resources: list[str]
):
    answer = await http.post("/oauth/token", data={**credentials(bus), "resource": resources})
    assert bus.tokens.verify(f"Bearer {answer.json()['access_token']}".encode()).client_id == bus.client_id


@pytest.mark.parametrize(
    "resources",
    [
        ["https://evil.example"],
        [ISSUER, "https://evil.example"],
        [f"{ISSUER}/v1"],
        ["bus"],
        [f"{ISSUER}#a"],
        ["\u00e9"],
    ],
)
async def test_a_token_for_another_server_is_refused(http: httpx.AsyncClient, bus: Bus, resources: list[str]):
    answer = await http.post("/oauth/token", data={**credentials(bus), "resource": resources})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


async def test_a_resource_is_the_only_parameter_that_may_come_twice(http: httpx.AsyncClient, bus: Bus):
    answer = await http.post("/oauth/token", data={**credentials(bus), "scope": ["events.read", "events.read"]})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
