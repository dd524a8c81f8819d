"""Clients that prove themselves by their keys (RFC 7523): algorithms, names of keys, and faults of assertions."""

import hmac
import time
from base64 import urlsafe_b64encode
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey, OKPKey

from bus import json
from bus.identity.secrets import make_digest
from bus.identity.tables import CLIENTS
from tests.an_actor import OPERATOR
from tests.http.api.oauth.a_server import (
    ALGORITHMS,
    ASSERTION,
    ISSUER,
    Bus,
    an_assertion,
    credentials,
)


@pytest.mark.parametrize("key", [ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")], ids=["ES256", "EdDSA"])
def test_a_client_library_proves_itself_with_its_key(bus: Bus, served: str, key: Any):
    client_id, _ = bus.a_client("events.read", key=key)
    alg = "ES256" if isinstance(key, ECKey) else "EdDSA"
    with OAuth2Client(client_id, key, token_endpoint_auth_method="private_key_jwt") as client:
        client.register_client_auth_method(PrivateKeyJWT(f"{ISSUER}/oauth/token", alg=alg))
        token = client.fetch_token(f"{served}/oauth/token", grant_type="client_credentials")
    assert bus.tokens.verify(f"Bearer {token['access_token']}".encode()).client_id == client_id


async def test_nobody_learns_which_clients_have_keys(http: httpx.AsyncClient, bus: Bus):
    with_keys, _ = bus.a_client(key=OKPKey.generate_key("Ed25519"))
    forger = OKPKey.generate_key("Ed25519")
    answers = [
        await http.post("/oauth/token", data=an_assertion(forger, client_id))
        for client_id in (with_keys, bus.client_id, "client_x")
    ]
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert answers[0].json()["error"] == "invalid_client"


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


@pytest.mark.parametrize("kind", [None, "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
async def test_an_assertion_of_another_type_was_told_of_methods_that_nobody_chose(
    http: httpx.AsyncClient, kind: str | None
):
    form = {"grant_type": "client_credentials", "client_assertion": "x.y.z"}
    answer = await http.post("/oauth/token", data=form if kind is None else form | {"client_assertion_type": kind})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert f"client_assertion_type={ASSERTION}" in answer.json()["error_description"]


async def test_an_assertion_speaks_for_no_other_client(http: httpx.AsyncClient, bus: Bus):
    key = OKPKey.generate_key("Ed25519")
    client_id, _ = bus.a_client(key=key)
    answer = await http.post("/oauth/token", data=an_assertion(key, client_id) | {"client_id": bus.client_id})
    assert answer.json()["error"] == "invalid_client"
