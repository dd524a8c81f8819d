"""The OAuth endpoints, called by a real client library and by hand."""

import hmac
import logging
import re
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from authlib.integrations.httpx_client import OAuth2Client, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bus import json
from bus.actions.attempts import Attempts
from bus.actions.log import ActionLog
from bus.http import problems
from bus.http.api import oauth
from bus.identity.keys import create_keys, load_keys
from bus.identity.participants import Kind, Participants
from bus.identity.secrets import make_digest
from bus.identity.server import OAuthServer
from bus.identity.tables import CLIENTS
from bus.identity.tokens import Tokens
from bus.identity.wrong_logins import LoginPolicy
from bus.limits import LimitRegister, Limits, Policy, Rate
from bus.settings import load_settings
from bus.storage import Storage, open_storage, upgrade
from tests.an_actor import OPERATOR
from tests.full_log import a_full_log

ISSUER = "https://bus.lamongan.example"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Bus:
    """A bus that serves its OAuth endpoints alone, and a client of it."""

    app: FastAPI
    participants: Participants
    tokens: Tokens
    storage: Storage
    client_id: str
    secret: str

    def a_client(self, *scopes: str, key: Any = None, jwks: Any = None) -> tuple[str, str]:
        jwks = jwks if key is None else {"keys": [key.as_dict(private=False)]}
        client, secret = self.participants.add_client("bapenda", scopes or ("events.read",), jwks, by=OPERATOR)
        return client.client_id, secret or ""


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    folder: Path = tmp_path_factory.mktemp("bus")
    create_keys(folder / "keys")
    keys = load_keys(folder / "keys")
    storage = open_storage(f"sqlite:///{folder / 'bus.db'}")
    upgrade(storage)
    participants = Participants(storage)
    participants.add("bapenda", "Badan Pendapatan Daerah", Kind.APP, OPERATOR)
    client, secret = participants.add_client("bapenda", ["events.read", "events.publish"], by=OPERATOR)
    tokens = Tokens(keys, ISSUER, storage)
    attempts = Attempts(ActionLog(storage))
    limits = Limits(LimitRegister(storage, Policy.model_validate({})))
    logins = LoginPolicy(Rate(1000, 60), Rate(1000, 60), Rate(1000, 60))
    server = OAuthServer(tokens, participants, storage, 600, limits, logins, attempts)
    app = FastAPI()
    app.state.rooms = SimpleNamespace(
        settings=load_settings(), keys=keys, tokens=tokens, participants=participants, oauth=server, attempts=attempts
    )
    app.include_router(oauth.router)
    problems.install(app)
    yield Bus(app, participants, tokens, storage, client.client_id, secret or "")
    server.close()
    storage.close()


@pytest.fixture
async def http(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.app), base_url=ISSUER) as client:
        yield client


@pytest.fixture(scope="module")
def served(bus: Bus) -> Iterator[str]:
    """The address of the bus behind a real server."""
    server = uvicorn.Server(uvicorn.Config(bus.app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def credentials(bus: Bus, **fields: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "client_id": bus.client_id, "client_secret": bus.secret}
    return form | fields


def an_assertion(key: Any, client_id: str, header: dict[str, Any] | None = None, **changed: Any) -> dict[str, str]:
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "exp": now + 60, "iat": now, "jti": "a"} | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    if header is None:
        header = {"alg": "ES256" if isinstance(key, ECKey) else "EdDSA", "kid": key.thumbprint()}
    signed = jwt.encode(header, claims, key, registry=AnyHeader(algorithms=[header["alg"]], strict_check_header=False))
    return {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": signed}


class AnyHeader(JWSRegistry):
    max_header_length = 10_000


async def a_token(http: httpx.AsyncClient, bus: Bus) -> str:
    token: str = (await http.post("/oauth/token", data=credentials(bus))).json()["access_token"]
    return token


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_library_gets_a_token(bus: Bus, served: str, method: str):
    with OAuth2Client(bus.client_id, bus.secret, token_endpoint_auth_method=method, scope="events.read") as client:
        token = client.fetch_token(f"{served}/oauth/token", grant_type="client_credentials")
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 600, "events.read")
    assert bus.tokens.verify(f"Bearer {token['access_token']}".encode()).participant == "bapenda"


@pytest.mark.parametrize("key", [ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")], ids=["ES256", "EdDSA"])
def test_a_client_library_proves_itself_with_its_key(bus: Bus, served: str, key: Any):
    client_id, _ = bus.a_client("events.read", key=key)
    alg = "ES256" if isinstance(key, ECKey) else "EdDSA"
    with OAuth2Client(client_id, key, token_endpoint_auth_method="private_key_jwt") as client:
        client.register_client_auth_method(PrivateKeyJWT(f"{ISSUER}/oauth/token", alg=alg))
        token = client.fetch_token(f"{served}/oauth/token", grant_type="client_credentials")
    assert bus.tokens.verify(f"Bearer {token['access_token']}".encode()).client_id == client_id


def test_a_client_library_is_told_what_is_wrong(bus: Bus, served: str):
    with OAuth2Client(bus.client_id, "wrong") as client, pytest.raises(OAuthError, match="invalid_client"):
        client.fetch_token(f"{served}/oauth/token", grant_type="client_credentials")


def test_a_client_library_revokes_its_token(bus: Bus, served: str):
    with OAuth2Client(bus.client_id, bus.secret) as client:
        token = client.fetch_token(f"{served}/oauth/token", grant_type="client_credentials")["access_token"]
        assert client.introspect_token(f"{served}/oauth/introspect", token).json()["active"]
        assert client.revoke_token(f"{served}/oauth/revoke", token).status_code == 200
        assert client.introspect_token(f"{served}/oauth/introspect", token).json() == {"active": False}


async def test_the_published_keys_verify_a_token(http: httpx.AsyncClient, bus: Bus):
    token = await a_token(http, bus)
    keys = KeySet.import_key_set((await http.get("/oauth/jwks")).json())
    assert jwt.decode(token, keys, algorithms=["EdDSA"]).claims["aud"] == ISSUER


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


async def test_nobody_learns_which_clients_have_keys(http: httpx.AsyncClient, bus: Bus):
    with_keys, _ = bus.a_client(key=OKPKey.generate_key("Ed25519"))
    forger = OKPKey.generate_key("Ed25519")
    answers = [
        await http.post("/oauth/token", data=an_assertion(forger, client_id))
        for client_id in (with_keys, bus.client_id, "client_x")
    ]
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert answers[0].json()["error"] == "invalid_client"


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


async def test_an_assertion_is_taken_once(http: httpx.AsyncClient, bus: Bus):
    key = OKPKey.generate_key("Ed25519")
    client_id, _ = bus.a_client(key=key)
    form = an_assertion(key, client_id, jti="once")
    assert (await http.post("/oauth/token", data=form)).status_code == 200
    again = await http.post("/oauth/token", data=form)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


ASSERTION_FAULTS: dict[str, dict[str, Any]] = {
    "for another server": {"aud": "https://evil.example"},
    "for nobody": {"aud": None},
    "expired": {"exp": 1_000_000_000},
    "never ending": {"exp": None},
    "ending in a year": {"exp": int(time.time()) + 31_536_000},
    "ending beyond time": {"exp": 1e300},
    "ending at no time": {"exp": float("nan")},
    "with a number for an id": {"jti": 7},
    "not yet valid": {"nbf": int(time.time()) + 3600},
    "without an id": {"jti": None},
    "with an id that is no text": {"jti": {}},
    "with an id that no database holds": {"jti": "\x00"},
    "issued by another": {"iss": 'client_"x'},
    "with a subject that is no text": {"sub": 7},
}


@pytest.mark.parametrize("fault", ASSERTION_FAULTS.values(), ids=ASSERTION_FAULTS.keys())
async def test_a_wrong_assertion_proves_nothing(http: httpx.AsyncClient, bus: Bus, fault: dict[str, Any]):
    key = OKPKey.generate_key("Ed25519")
    client_id, _ = bus.a_client(key=key)
    answer = await http.post("/oauth/token", data=an_assertion(key, client_id, **fault))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


ALGORITHMS: dict[str, Any] = {
    "EdDSA": OKPKey.generate_key("Ed25519"),
    "Ed25519": OKPKey.generate_key("Ed25519"),
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "RS256": RSAKey.generate_key(2048),
    "PS256": RSAKey.generate_key(2048),
}


def a_jwk(name: str, **members: Any) -> dict[str, Any]:
    return {**ALGORITHMS[name].as_dict(private=False), **members}


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("said", ["nothing", "its algorithm", "the other name", "another kid", "no kid"])
async def test_a_client_proves_itself_by_each_algorithm_and_however_its_set_names_the_key(
    http: httpx.AsyncClient, bus: Bus, alg: str, said: str
):
    other_name = {"EdDSA": "Ed25519", "Ed25519": "EdDSA"}.get(alg, alg)
    members = {"its algorithm": {"alg": alg}, "the other name": {"alg": other_name, "use": "sig"}}.get(said, {})
    client_id, _ = bus.a_client(jwks={"keys": [{k: v for k, v in a_jwk(alg, **members).items() if k != "kid"}]})
    header = {"alg": alg} | ({"kid": "its-own-name"} if said == "another kid" else {})
    answer = await http.post("/oauth/token", data=an_assertion(ALGORITHMS[alg], client_id, header))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_of_keys_without_a_name_each_that_fits_is_tried(http: httpx.AsyncClient, bus: Bus, alg: str):
    keys = [{k: v for k, v in a_jwk(name).items() if k != "kid"} for name in ALGORITHMS]
    client_id, _ = bus.a_client(jwks={"keys": keys})
    answer = await http.post("/oauth/token", data=an_assertion(ALGORITHMS[alg], client_id, {"alg": alg}))
    assert answer.status_code == 200, answer.text


async def test_a_named_key_does_not_verify_what_is_signed_under_another_name(http: httpx.AsyncClient, bus: Bus):
    client_id, _ = bus.a_client(jwks={"keys": [a_jwk("ES256", kid="2026"), a_jwk("EdDSA", kid="2026")]})
    for kid, status in (("2025", 401), ("2026", 200)):
        header = {"alg": "ES256", "kid": kid, "typ": "JWT", "x5c": ["A" * 2000], "pengirim": "uji"}
        answer = await http.post("/oauth/token", data=an_assertion(ALGORITHMS["ES256"], client_id, header))
        assert answer.status_code == status


def a_confused_assertion(alg: str, client_id: str) -> dict[str, str]:
    """Signed by HMAC with the public key, or by nothing."""
    form = an_assertion(ALGORITHMS["RS256"], client_id, {"alg": "RS256"})
    signed = f"{_part(json.dumps({'alg': alg}).decode())}.{form['client_assertion'].split('.')[1]}"
    hashed = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}.get(alg)
    public = ALGORITHMS["RS256"].as_pem(private=False)
    signature = b"" if hashed is None else hmac.digest(public, signed.encode(), hashed)
    return form | {"client_assertion": f"{signed}.{urlsafe_b64encode(signature).decode().rstrip('=')}"}


@pytest.mark.parametrize("alg", ["none", "HS256", "HS384", "HS512"])
async def test_no_assertion_proves_anything_by_a_symmetric_algorithm_or_none(
    http: httpx.AsyncClient, bus: Bus, alg: str
):
    client_id, _ = bus.a_client(jwks={"keys": [a_jwk("RS256")]})
    answer = await http.post("/oauth/token", data=a_confused_assertion(alg, client_id))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("key", "alg"),
    [("ES256", "ES384"), ("RS256", "RS512"), ("RS256", "PS384"), ("RS256", "RS384"), ("PS256", "PS512")],
)
async def test_an_algorithm_that_is_not_announced_proves_nothing(http: httpx.AsyncClient, bus: Bus, key: str, alg: str):
    client_id, _ = bus.a_client(jwks={"keys": [a_jwk(key)]})
    signer = ALGORITHMS[alg] if alg in ALGORITHMS else ALGORITHMS[key]
    answer = await http.post("/oauth/token", data=an_assertion(signer, client_id, {"alg": alg}))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("header", [{"crit": ["b64"], "b64": False}, {"crit": ["exp"], "exp": 1}])
async def test_a_header_that_has_to_be_understood_and_is_not_proves_nothing(
    http: httpx.AsyncClient, bus: Bus, header: dict[str, Any]
):
    client_id, _ = bus.a_client(jwks={"keys": [a_jwk("EdDSA")]})
    good = an_assertion(ALGORITHMS["EdDSA"], client_id, {"alg": "EdDSA"})["client_assertion"]
    payload = good.split(".")[1]
    signed = f"{_part(json.dumps({'alg': 'EdDSA', **header}).decode())}.{payload}"
    signature = urlsafe_b64encode(ALGORITHMS["EdDSA"].private_key.sign(signed.encode())).decode().rstrip("=")
    form = an_assertion(ALGORITHMS["EdDSA"], client_id) | {"client_assertion": f"{signed}.{signature}"}
    assert (await http.post("/oauth/token", data=form)).status_code == 401


@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/oauth/token"])
@pytest.mark.parametrize("is_listed", [False, True])
async def test_an_assertion_is_for_the_issuer_or_the_token_endpoint(
    http: httpx.AsyncClient, bus: Bus, audience: str, is_listed: bool
):
    client_id, _ = bus.a_client(jwks={"keys": [a_jwk("EdDSA")]})
    aud = ["https://other.example", audience] if is_listed else audience
    form = an_assertion(ALGORITHMS["EdDSA"], client_id, aud=aud)
    assert (await http.post("/oauth/token", data=form)).status_code == 200


@pytest.mark.parametrize(
    "audience", ["", [], [""], ["https://evil.example"], {}, 7, f"{ISSUER}.evil.example", [ISSUER.upper()]]
)
async def test_an_assertion_for_anybody_else_proves_nothing(http: httpx.AsyncClient, bus: Bus, audience: Any):
    client_id, _ = bus.a_client(jwks={"keys": [a_jwk("EdDSA")]})
    answer = await http.post("/oauth/token", data=an_assertion(ALGORITHMS["EdDSA"], client_id, aud=audience))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_client_with_keys_has_no_working_secret(http: httpx.AsyncClient, bus: Bus):
    client, secret = bus.participants.add_client("bapenda", ["events.read"], by=OPERATOR)
    form = credentials(bus, client_id=client.client_id, client_secret=secret or "")
    assert (await http.post("/oauth/token", data=form)).status_code == 200
    bus.participants.update_client("bapenda", client.client_id, jwks={"keys": [a_jwk("PS256")]}, by=OPERATOR)
    for _ in range(2):
        assert (await http.post("/oauth/token", data=form)).json()["error"] == "invalid_client"
        bus.tokens.refresh()
    signed = an_assertion(ALGORITHMS["PS256"], client.client_id, {"alg": "PS256"})
    assert (await http.post("/oauth/token", data=signed)).status_code == 200


async def test_the_secret_that_a_client_with_keys_got_of_an_earlier_version_does_not_work(
    http: httpx.AsyncClient, bus: Bus
):
    client_id, _ = bus.a_client(jwks={"keys": [a_jwk("EdDSA")]})
    with bus.storage.write() as transaction:
        values = {"secret_hash": make_digest("rahasia")}
        transaction.execute(sa.update(CLIENTS).where(CLIENTS.c.client_id == client_id).values(**values))
    for _ in range(2):
        answer = await http.post("/oauth/token", data=credentials(bus, client_id=client_id, client_secret="rahasia"))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        bus.tokens.refresh()


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


def _part(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


DEEP = "[" * 20_000 + "]" * 20_000
RUBBISH = ["", "x", "a.b.c", "e30.e30.e30", "e30.bnVsbA.", "é.é.é"]
LONGEST_ASSERTION = 8192
RUBBISH += [
    f"{_part(header)}.{_part(claims)}.AAAA"
    for header, claims in [
        (DEEP, "{}"),
        ('{"alg":"EdDSA"}', DEEP),
        ('{"alg":"EdDSA","x":' + DEEP + "}", '{"sub":"a"}'),
        ('{"alg":"EdDSA"}', '{"sub":"a","x":' + DEEP + "}"),
        ('{"alg":"EdDSA"}', '{"sub":"\\ud800"}'),
        ('{"alg":"EdDSA"}', '{"sub":"a","exp":' + "9" * 5000 + "}"),
        ('{"alg":null,"crit":5}', '{"sub":"a"}'),
        ('{"alg":["EdDSA"],"kid":{}}', '{"sub":"a"}'),
    ]
]


@pytest.mark.parametrize("assertion", RUBBISH, ids=range(len(RUBBISH)))
async def test_rubbish_for_an_assertion_proves_nothing(http: httpx.AsyncClient, assertion: str):
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
    answer = await http.post("/oauth/token", data=form)
    # One that is too long is not even looked at.
    expected = (400, "invalid_request") if len(assertion) > LONGEST_ASSERTION else (401, "invalid_client")
    assert (answer.status_code, answer.json()["error"]) == expected


async def test_an_assertion_speaks_for_no_other_client(http: httpx.AsyncClient, bus: Bus):
    key = OKPKey.generate_key("Ed25519")
    client_id, _ = bus.a_client(key=key)
    answer = await http.post("/oauth/token", data=an_assertion(key, client_id) | {"client_id": bus.client_id})
    assert answer.json()["error"] == "invalid_client"


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


async def test_no_log_holds_a_token_or_a_secret(http: httpx.AsyncClient, bus: Bus, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        token = await a_token(http, bus)
        await http.post("/oauth/token", data=credentials(bus, client_secret="a-wrong-secret"))
    assert "a-wrong-secret" not in caplog.text
    assert token not in caplog.text
    assert bus.secret not in caplog.text


async def test_each_token_that_is_issued_is_logged_and_counted_without_the_token(http: httpx.AsyncClient, bus: Bus):
    before = issued()
    with capture_logs() as lines:
        token = await a_token(http, bus)
        await http.post("/oauth/token", data=credentials(bus, client_secret="a-wrong-secret"))
    (line,) = (line for line in lines if line["event"] == "token.issued")
    assert (line["client_id"], line["participant"], line["address"]) == (bus.client_id, "bapenda", "127.0.0.1")
    assert (line["method"], line["scope"], line["seconds"]) == ("client_secret", "events.publish events.read", 600)
    assert token not in str(lines)
    assert bus.secret not in str(lines)
    assert issued() == before + 1


async def test_a_token_for_a_signature_is_logged_as_such(http: httpx.AsyncClient, bus: Bus):
    key = OKPKey.generate_key("Ed25519")
    client_id, _ = bus.a_client("events.read", key=key)
    with capture_logs() as lines:
        answer = await http.post("/oauth/token", data=an_assertion(key, client_id, jti="logged"))
    assert answer.status_code == 200
    assert [(line["client_id"], line["method"]) for line in lines if line["event"] == "token.issued"] == [
        (client_id, "private_key_jwt")
    ]


@pytest.mark.parametrize(("path", "endpoint"), [("revoke", "revocation"), ("introspect", "introspection")])
async def test_a_login_at_another_endpoint_is_logged(http: httpx.AsyncClient, bus: Bus, path: str, endpoint: str):
    token = await a_token(http, bus)
    with capture_logs() as lines:
        await http.post(f"/oauth/{path}", data=credentials(bus, token=token))
    (line,) = (line for line in lines if line["event"] == "client.authenticated")
    assert (line["endpoint"], line["client_id"], line["method"]) == (endpoint, bus.client_id, "client_secret")
    assert token not in str(lines)


async def test_a_log_that_cannot_be_written_keeps_no_token_back(http: httpx.AsyncClient, bus: Bus):
    with a_full_log():
        assert await a_token(http, bus)


def issued() -> float:
    """How many tokens bapenda got."""
    return REGISTRY.get_sample_value("bus_tokens_issued_total", {"participant": "bapenda"}) or 0.0


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
