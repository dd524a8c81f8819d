"""How a declared adapter shows who it is: every kind on the wire, and no secret where it was not bound to go."""

import asyncio
import hashlib
import hmac
from base64 import b64encode
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bus import json
from bus.declared.auth.signature import add_signature
from bus.declared.document import Signature
from bus.declared.draft import Draft
from bus.declared.vault import BoundSecret, Vault
from bus.kit import DELIVERED, AgencyFault, Failure
from bus.settings import SettingsWrong
from tests.declared.a_declared_agency import BASE, HOST, AnAgency, a_declaration, a_delivery, an_event

SECRETS = {"kunci": {"title": "Kunci"}, "sandi": {"title": "Sandi"}}
GIVEN = {"kunci": "k-1", "sandi": "s/2:ü"}
OAUTH = {"kind": "oauth2", "token_path": "/token", "client_id": "kunci", "client_secret": "sandi"}
LOGIN = {"kind": "login", "path": "/masuk", "secrets": {"user": "kunci", "pass": "sandi"}, "members": {"app": "bus"}}
NIGHT = datetime(2026, 1, 1, 20, 0, tzinfo=UTC)
"""In Lamongan it is the next day."""

declare = partial(a_declaration, secrets=SECRETS)


async def deliver(agency: AnAgency, *auth: dict[str, Any], count: int = 1, **settings: str) -> Any:
    adapter = agency.adapter(declare(auth=list(auth)), **GIVEN | settings)
    return await adapter.deliver("kirim", [an_event({"a": number}) for number in range(count)])


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "api_key", "secret": "kunci", "name": "user_key"}, "user_key", "k-1"),
        (
            {"kind": "api_key", "secret": "kunci", "name": "Authorization", "scheme": "Bearer"},
            "authorization",
            "Bearer k-1",
        ),
        (
            {"kind": "basic", "user": "kunci", "password": "sandi"},
            "authorization",
            f"Basic {b64encode('k-1:s/2:ü'.encode()).decode()}",
        ),
    ],
)
async def test_a_header_shows_who_the_bus_is(auth: dict[str, Any], header: str, value: str):
    agency = AnAgency()
    assert await deliver(agency, auth) == [DELIVERED]
    assert agency.requests[0].headers[header] == value


async def test_a_key_may_go_into_the_query_escaped():
    agency = AnAgency()
    await deliver(agency, {"kind": "api_key", "secret": "sandi", "in": "query", "name": "apikey"})
    assert agency.requests[0].url.raw_path == b"/api/terima?apikey=s%2F2%3A%C3%BC"


def an_oauth_server(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/token"):
        return httpx.Response(200, json={"access_token": "t-1", "expires_in": "3599", "issued_at": "1764400000000"})
    return httpx.Response(200 if request.headers.get("authorization") == "Bearer t-1" else 401, json={})


async def test_a_token_is_fetched_once_for_many_deliveries():
    agency = AnAgency(an_oauth_server)
    adapter = agency.adapter(declare(auth=[OAUTH]), **GIVEN)
    both = await asyncio.gather(*(adapter.deliver("kirim", [an_event({})]) for _ in range(3)))
    assert both == [[DELIVERED]] * 3
    first, *others = agency.requests
    assert first.headers["authorization"] == f"Basic {b64encode(b'k-1:s%2F2%3A%C3%BC').decode()}"
    assert first.content == b"grant_type=client_credentials"
    assert [request.url.path for request in others] == ["/api/terima"] * 3


async def test_a_client_may_name_itself_in_the_form_and_the_grant_in_the_query():
    agency = AnAgency(an_oauth_server)
    await deliver(agency, {**OAUTH, "client_in": "form", "token_path": "/token?grant_type=client_credentials"})
    token = agency.requests[0]
    assert (token.url.query, token.content) == (
        b"grant_type=client_credentials",
        b"client_id=k-1&client_secret=s%2F2%3A%C3%BC",
    )
    assert "authorization" not in token.headers


async def test_a_login_s_token_goes_where_the_agency_wants_it():
    agency = AnAgency([httpx.Response(200, json={"data": {"token": "t-2"}}), httpx.Response(200, json={})])
    await deliver(agency, {**LOGIN, "token": "data.token", "header": "X-Token", "scheme": ""})
    assert agency.bodies[0] == {"app": "bus", "user": "k-1", "pass": "s/2:ü"}
    assert agency.requests[1].headers["x-token"] == "t-2"


@pytest.mark.parametrize(
    "refusal", [httpx.Response(401), httpx.Response(200, json={"kode": 77})], ids=["by status", "by the body"]
)
async def test_a_token_that_is_refused_is_fetched_anew_once(refusal: httpx.Response):
    token, fresh = (httpx.Response(200, json={"access_token": name}) for name in ("t-1", "t-2"))
    agency = AnAgency([token, refusal, fresh, httpx.Response(200, json={})])
    assert await deliver(agency, {**OAUTH, "refused_when": 'kode = "77"'}) == [DELIVERED]
    assert [request.headers["authorization"] for request in agency.requests[1::2]] == ["Bearer t-1", "Bearer t-2"]


async def test_a_refused_account_is_left_in_peace_for_a_while():
    agency = AnAgency([httpx.Response(401)])
    first, second = await deliver(agency, OAUTH, count=2)
    assert (first.failure, second.failure) == (Failure.SINK_DOWN, Failure.SINK_DOWN)
    assert len(agency.requests) == 1
    assert 0 < second.retry_after <= 60


@pytest.mark.parametrize(
    "answer",
    [{}, {"access_token": True}, {"access_token": "dua baris\r\nx: y"}, {"access_token": ""}, [], "x"],
)
async def test_an_answer_without_a_usable_token_is_tried_again_later(answer: Any):
    (outcome,) = await deliver(AnAgency([httpx.Response(200, json=answer)]), OAUTH)
    assert outcome.failure is Failure.TRANSIENT


def sign(draft: Draft, **told: Any) -> Draft:
    vault = Vault("badan", {name: BoundSecret(SecretStr(value), frozenset({HOST})) for name, value in GIVEN.items()})
    return add_signature(
        draft, Signature.model_validate({"kind": "signature", "header": "Token", **told}), vault, lambda: NIGHT
    )


def test_a_digest_of_named_parts_is_signed_as_oss_rba_asks():
    parts = [{"secret": "kunci"}, {"secret": "sandi"}, {"value": "nib"}, {"time": "%Y%m%d"}]
    signed = sign(Draft("POST", f"{BASE}/nib", values={"nib": "8120000000001"}), algorithm="sha1", parts=parts)
    # The regency's day counts, not that of UTC.
    assert signed.headers["Token"] == hashlib.sha1("k-1s/2:ü812000000000120260102".encode()).hexdigest()


def test_an_hmac_covers_the_request_itself():
    parts = [{"request": one} for one in ("method", "path", "query", "body_sha256")] + [{"time": "epoch"}]
    draft = Draft("PUT", f"{BASE}/a%20b", (("x", "ä"),), body=b"{}")
    signed = sign(
        draft,
        algorithm="hmac-sha256",
        key="sandi",
        parts=parts,
        separator="\n",
        encoding="base64",
        scheme="HMAC",
        time_header="X-Time",
    )
    text = f"PUT\n/api/a%20b\nx=%C3%A4\n{hashlib.sha256(b'{}').hexdigest()}\n{int(NIGHT.timestamp())}"
    wanted = b64encode(hmac.digest("s/2:ü".encode(), text.encode(), "sha256")).decode()
    assert (signed.headers["Token"], signed.headers["X-Time"]) == (f"HMAC {wanted}", str(int(NIGHT.timestamp())))


async def test_what_is_signed_is_what_is_sent():
    request = {"method": "POST", "path": "/{nib}", "values": {"nib": "subject"}, "body": {"json": "data"}}
    auth = {
        "kind": "signature",
        "algorithm": "sha256",
        "parts": [{"request": "body"}, {"request": "path"}],
        "header": "S",
    }
    key = {"kind": "api_key", "secret": "kunci", "name": "k"}
    agency = AnAgency()
    adapter = agency.adapter(declare(a_delivery(requests=[request]), auth=[auth, key]), **GIVEN)
    await adapter.deliver("kirim", [an_event({"ä": 1}, subject="a/b")])
    (sent,) = agency.requests
    assert sent.url.raw_path == b"/api/a%2Fb"
    assert sent.headers["S"] == hashlib.sha256(sent.content + sent.url.raw_path).hexdigest()


async def test_a_signature_covers_what_other_kinds_add():
    auth = {"kind": "signature", "algorithm": "sha256", "parts": [{"request": "query"}], "header": "S"}
    agency = AnAgency()
    await deliver(agency, auth, {"kind": "api_key", "secret": "kunci", "in": "query", "name": "k"})
    assert agency.requests[0].headers["S"] == hashlib.sha256(b"k=k-1").hexdigest()


@pytest.mark.parametrize("auth", [OAUTH, LOGIN, {"kind": "basic", "user": "kunci", "password": "sandi"}])
async def test_a_document_that_sends_a_secret_elsewhere_than_the_operator_says_does_not_load(auth: dict[str, Any]):
    agency = AnAgency()
    with pytest.raises(SettingsWrong, match=f"SANDI_HOSTS: should list {HOST}"):
        await deliver(agency, auth, sandi_hosts="lain.example, badan.example.jahat.example")
    assert agency.requests == []


async def test_a_token_s_endpoint_elsewhere_needs_the_secret_bound_to_it():
    elsewhere = {**OAUTH, "token_path": "https://pencuri.example/token"}
    with pytest.raises(SettingsWrong, match=r"should list pencuri\.example"):
        await deliver(AnAgency(), elsewhere)
    agency = AnAgency(an_oauth_server)
    both = f"pencuri.example, {HOST}"
    assert await deliver(agency, elsewhere, kunci_hosts=both, sandi_hosts=both) == [DELIVERED]
    assert agency.requests[0].url.host == "pencuri.example"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_followed_by_nobody(status: int):
    agency = AnAgency([httpx.Response(status, headers={"location": "https://pencuri.example/"})])
    (outcome,) = await deliver(agency, {"kind": "api_key", "secret": "kunci", "name": "k"})
    assert (outcome.failure, len(agency.requests)) == (Failure.SINK_DOWN, 1)


async def test_a_secret_is_in_no_outcome():
    told = json.dumps({"pesan": f"kunci {GIVEN['kunci']} salah"})
    (outcome,) = await deliver(
        AnAgency([httpx.Response(400, content=told)]), {"kind": "api_key", "secret": "kunci", "name": "k"}
    )
    assert GIVEN["kunci"] not in outcome.detail


def test_a_secret_is_revealed_to_its_hosts_alone():
    vault = Vault("badan", {"kunci": BoundSecret(SecretStr("k-1"), frozenset({HOST}))})
    assert vault.reveal("kunci", HOST.upper()) == "k-1"
    for host in ("", "lain.example", f"x{HOST}", f"{HOST}.jahat.example"):
        with pytest.raises(AgencyFault, match="BUS_ADAPTERS__BADAN__KUNCI_HOSTS"):
            vault.reveal("kunci", host)
