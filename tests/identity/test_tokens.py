"""Access tokens under attack: only what this bus signed for itself, and still stands, is taken."""

import hmac
import time
import timeit
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey

from bus import json
from bus.identity.keys import Keys
from bus.identity.participants import Client, Participants
from bus.identity.scopes import ScopeMissing, require
from bus.identity.tables import CLIENTS
from bus.identity.tokens import Tokens, Unauthenticated
from bus.storage import Changes, Storage
from tests.an_actor import OPERATOR

ISSUER = "https://bus.lamongan.example"

AClient = Callable[..., tuple[Client, str]]
Forge = Callable[[Keys, dict[str, Any]], str]


def bearer(token: str) -> bytes:
    return f"Bearer {token}".encode()


def claims_for(client: Client, **changed: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": client.client_id,
        "client_id": client.client_id,
        "aud": ISSUER,
        "iat": now,
        "exp": now + 60,
        "jti": "token_1",
        "scope": "events.read",
    }
    return {name: value for name, value in (claims | changed).items() if value is not None}


def signed(key: Any, claims: dict[str, Any], **header: Any) -> str:
    header = {"alg": "EdDSA", "typ": "at+jwt"} | header
    return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def part(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value)).decode().rstrip("=")


def test_a_token_says_who_calls(tokens: Tokens, a_client: AClient):
    client, _ = a_client("events.publish", "events.read")
    principal = tokens.verify(bearer(tokens.issue(client, frozenset({"events.read"}), 60)))
    assert (principal.participant, principal.client_id) == ("bapenda", client.client_id)
    assert principal.scopes == {"events.read"}
    assert principal.expires_at == pytest.approx(time.time() + 60, abs=5)


def test_a_token_is_as_rfc_9068_says(tokens: Tokens, keys: Keys, a_client: AClient):
    client, _ = a_client("events.read")
    read = keys.read(tokens.issue(client, client.scopes, 60).encode())
    assert read is not None
    assert read.header == {"typ": "at+jwt", "alg": "EdDSA", "kid": keys.ring[0].kid}
    assert read.claims.keys() == {"iss", "sub", "client_id", "participant", "aud", "iat", "exp", "jti", "scope"}
    assert read.claims["exp"] - read.claims["iat"] == 60


def test_the_scheme_is_read_in_any_case(tokens: Tokens, a_client: AClient):
    token = tokens.issue(a_client()[0], frozenset({"events.read"}), 60)
    assert tokens.verify(f"bEARER  {token}".encode()).participant == "bapenda"


def _with_none(keys: Keys, claims: dict[str, Any]) -> str:
    return f"{part({'alg': 'none', 'typ': 'at+jwt', 'kid': keys.ring[0].kid})}.{part(claims)}."


def _with_hmac_of_the_public_key(keys: Keys, claims: dict[str, Any]) -> str:
    public = keys.ring[0].key.as_pem(private=False)
    head = f"{part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': keys.ring[0].kid})}.{part(claims)}"
    mac = hmac.digest(public, head.encode(), "sha256")
    return f"{head}.{urlsafe_b64encode(mac).decode().rstrip('=')}"


def _with_own_key_of_same_kid(keys: Keys, claims: dict[str, Any]) -> str:
    return signed(OKPKey.generate_key("Ed25519"), claims, kid=keys.ring[0].kid)


def _with_own_elliptic_key_of_same_kid(keys: Keys, claims: dict[str, Any]) -> str:
    return signed(ECKey.generate_key("P-256"), claims, alg="ES256", kid=keys.ring[0].kid)


def _with_own_key_in_the_header(keys: Keys, claims: dict[str, Any]) -> str:
    own = OKPKey.generate_key("Ed25519")
    return signed(own, claims, kid=own.thumbprint(), jwk=own.as_dict(private=False))


def _tampered(keys: Keys, claims: dict[str, Any]) -> str:
    header, _, signature = keys.sign("at+jwt", claims).split(".")
    return f"{header}.{part(claims | {'scope': 'admin'})}.{signature}"


def _with_other_alg_in_the_header(keys: Keys, claims: dict[str, Any]) -> str:
    _, payload, signature = keys.sign("at+jwt", claims).split(".")
    return f"{part({'alg': 'ES256', 'typ': 'at+jwt', 'kid': keys.ring[0].kid})}.{payload}.{signature}"


def _ours(typ: str = "at+jwt", **changed: Any) -> Forge:
    return lambda keys, claims: keys.sign(typ, {k: v for k, v in (claims | changed).items() if v is not None})


NOW = int(time.time())

ATTACKS: dict[str, Forge] = {
    "alg none": _with_none,
    "HS256 with the public key": _with_hmac_of_the_public_key,
    "another key with the same kid": _with_own_key_of_same_kid,
    "an elliptic key with the same kid": _with_own_elliptic_key_of_same_kid,
    "a key in the header": _with_own_key_in_the_header,
    "claims changed after signing": _tampered,
    "algorithm changed after signing": _with_other_alg_in_the_header,
    "a token of another kind": _ours("JWT"),
    "another issuer": _ours(iss="https://evil.example"),
    "another audience": _ours(aud="https://evil.example"),
    "expired": _ours(iat=NOW - 61, exp=NOW - 1),
    "made in the future": _ours(iat=NOW + 3600, exp=NOW + 7200),
    "never ending": _ours(exp=None),
    "no time of issue": _ours(iat=None),
    "no audience": _ours(aud=None),
    "no issuer": _ours(iss=None),
    "no id": _ours(jti=None),
    "an id that is no text": _ours(jti=7),
    "no scope": _ours(scope=None),
    "an unknown client": _ours(client_id="client_unknown"),
    "too long": _ours(padding="x" * 5000),
    "not a token": lambda keys, claims: "rahasia",
    "empty": lambda keys, claims: "",
}


@pytest.mark.parametrize("forge", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_forged_token_is_refused(tokens: Tokens, keys: Keys, a_client: AClient, forge: Forge):
    client, _ = a_client("events.read")
    with pytest.raises(Unauthenticated) as refused:
        tokens.verify(bearer(forge(keys, claims_for(client))))
    assert 'error="invalid_token"' in refused.value.headers["WWW-Authenticate"]


def test_the_forgers_claims_would_be_taken_if_we_signed_them(tokens: Tokens, keys: Keys, a_client: AClient):
    client, _ = a_client("events.read")
    assert tokens.verify(bearer(keys.sign("at+jwt", claims_for(client)))).client_id == client.client_id


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="abA._-=e0{}\"'é", max_size=200).map(str.encode)))
def test_no_rubbish_breaks_the_verifier(empty_bus: Tokens, rubbish: bytes):
    with pytest.raises(Unauthenticated):
        empty_bus.verify(b"Bearer " + rubbish)


@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "x5c", "zip", "cty"]),
        st.one_of(st.none(), st.integers(-9, 9), st.text(max_size=5), st.lists(st.text(max_size=4)), st.just("EdDSA")),
    ),
    payload=st.one_of(st.none(), st.integers(-9, 9), st.dictionaries(st.text(max_size=3), st.integers(-9, 9))),
)
def test_no_strange_header_breaks_the_verifier(empty_bus: Tokens, header: dict[str, Any], payload: Any):
    with pytest.raises(Unauthenticated):
        empty_bus.verify(bearer(f"{part(header)}.{part(payload)}.AAAA"))


@pytest.mark.parametrize("authorization", [b"", b"Basic YTpi", b"Bearer", b"rahasia"])
def test_who_sends_no_token_is_told_where_to_get_one(tokens: Tokens, authorization: bytes):
    with pytest.raises(Unauthenticated) as refused:
        tokens.verify(authorization)
    challenge = refused.value.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="bus"')
    assert f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource"' in challenge


def test_a_refusal_does_not_repeat_the_token(tokens: Tokens):
    with pytest.raises(Unauthenticated) as refused:
        tokens.verify(b"Bearer abc.rahasia.xyz")
    assert "rahasia" not in str(refused.value.to_document()) + str(refused.value.headers)


def test_a_cached_token_expires(keys: Keys, storage: Storage, a_client: AClient):
    clock = [time.time()]
    tokens = Tokens(keys, ISSUER, storage, now=lambda: clock[0])
    header = bearer(tokens.issue(a_client()[0], frozenset({"events.read"}), 60))
    tokens.verify(header)
    clock[0] += 60
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.verify(header)


def test_a_revoked_client_is_refused_with_the_next_change(
    tokens: Tokens, storage: Storage, participants: Participants, a_client: AClient
):
    client, _ = a_client()
    other, _ = a_client()
    header, others = (bearer(tokens.issue(who, who.scopes, 60)) for who in (client, other))
    changes = Changes(storage)
    changes.on("clients", tokens.refresh)
    assert tokens.verify(header).client_id == client.client_id
    participants.revoke_client("bapenda", client.client_id, OPERATOR)
    changes.look()
    with pytest.raises(Unauthenticated, match="revoked"):
        tokens.verify(header)
    assert tokens.verify(others).client_id == other.client_id


def test_a_revoked_token_is_refused_here_at_once_and_elsewhere_with_the_next_refresh(
    tokens: Tokens, keys: Keys, storage: Storage, a_client: AClient
):
    client, _ = a_client()
    elsewhere = Tokens(keys, ISSUER, storage)
    header, second = (bearer(tokens.issue(client, client.scopes, 60)) for _ in range(2))
    elsewhere.verify(header)
    tokens.revoke(tokens.verify(header), OPERATOR)
    with pytest.raises(Unauthenticated):
        tokens.verify(header)
    elsewhere.refresh()
    with pytest.raises(Unauthenticated):
        elsewhere.verify(header)
    assert elsewhere.verify(second).client_id == client.client_id


def test_a_token_is_revoked_twice_without_harm(tokens: Tokens, a_client: AClient):
    client, _ = a_client()
    principal = tokens.verify(bearer(tokens.issue(client, client.scopes, 60)))
    tokens.revoke(principal, OPERATOR)
    tokens.revoke(principal, OPERATOR)


def test_a_client_made_since_the_last_refresh_is_known(tokens: Tokens, a_client: AClient):
    client, _ = a_client()
    assert tokens.verify(bearer(tokens.issue(client, client.scopes, 60))).participant == "bapenda"


def test_a_token_is_cut_down_to_what_its_client_may(tokens: Tokens, a_client: AClient):
    client, _ = a_client("events.read")
    header = bearer(tokens.issue(client, frozenset({"events.read", "admin"}), 60))
    assert tokens.verify(header).scopes == {"events.read"}


def test_a_missing_scope_is_named(tokens: Tokens, a_client: AClient):
    client, _ = a_client("events.read")
    principal = tokens.verify(bearer(tokens.issue(client, client.scopes, 60)))
    require(principal, "events.read")
    with pytest.raises(ScopeMissing) as refused:
        require(principal, "admin")
    assert 'error="insufficient_scope", scope="admin"' in refused.value.headers["WWW-Authenticate"]
    assert refused.value.status == 403


def test_a_client_with_many_tokens_pushes_out_its_own(tokens: Tokens, a_client: AClient):
    innocent, greedy = a_client()[0], a_client()[0]
    kept = bearer(tokens.issue(innocent, innocent.scopes, 60))
    tokens.verify(kept)
    headers = [bearer(tokens.issue(greedy, greedy.scopes, 60)) for _ in range(300)]
    for header in headers:
        tokens.verify(header)
    assert tokens.find_known(kept)
    assert tokens.find_known(headers[-1])
    assert tokens.find_known(headers[0]) is None
    tokens.refresh()
    assert tokens.find_known(kept)
    assert tokens.find_known(headers[-1])


@pytest.mark.parametrize("reason", ["revoked", "expired"])
async def test_a_token_that_was_refused_costs_no_signature_again(
    tokens: Tokens, keys: Keys, participants: Participants, a_client: AClient, reason: str
):
    client, _ = a_client()
    header = bearer(tokens.issue(client, client.scopes, 60 if reason == "revoked" else -10))
    participants.revoke_client("bapenda", client.client_id, OPERATOR)
    tokens.refresh()
    with patch.object(Keys, "read", autospec=True, side_effect=Keys.read) as read:
        for _ in range(3):
            with pytest.raises(Unauthenticated, match=reason):
                await tokens.authenticate(header)
            with pytest.raises(Unauthenticated, match=reason):
                tokens.verify(header)
        assert read.call_count == 1


def test_the_many_tokens_of_a_departed_client_cost_one_look_into_the_database(
    tokens: Tokens, participants: Participants, a_client: AClient
):
    client, _ = a_client()
    headers = [bearer(tokens.issue(client, client.scopes, 60)) for _ in range(20)]
    participants.revoke_client("bapenda", client.client_id, OPERATOR)
    tokens.refresh()
    with patch.object(Keys, "read", autospec=True, side_effect=Keys.read) as read:
        for header in headers:
            with pytest.raises(Unauthenticated, match="revoked"):
                tokens.verify(header)
    assert read.call_count == 1


async def test_a_client_that_comes_after_it_was_looked_for_in_vain_is_known(
    tokens: Tokens, keys: Keys, participants: Participants, storage: Storage, a_client: AClient
):
    header = bearer(keys.sign("at+jwt", claims_for(a_client()[0], client_id="client_later")))
    with pytest.raises(Unauthenticated):
        await tokens.authenticate(header)
    client, _ = a_client()
    with storage.write() as transaction:
        transaction.execute(
            sa.update(CLIENTS).where(CLIENTS.c.client_id == client.client_id).values(client_id="client_later")
        )
    tokens.refresh()
    assert (await tokens.authenticate(header)).client_id == "client_later"


def test_a_token_seen_before_costs_a_look_up(tokens: Tokens, a_client: AClient):
    client, _ = a_client()
    header = bearer(tokens.issue(client, client.scopes, 60))
    tokens.verify(header)
    again = min(timeit.repeat(lambda: tokens.verify(header), number=1000, repeat=5)) / 1000
    anew = min(timeit.repeat(lambda: tokens._verify_anew(header), number=20, repeat=3)) / 20
    assert again < anew / 20


def test_a_token_is_known_from_its_first_use_on_where_it_was_issued_and_not_elsewhere(
    tokens: Tokens, keys: Keys, storage: Storage, a_client: AClient
):
    client, _ = a_client("events.read")
    tokens.refresh()
    header = bearer(tokens.issue(client, frozenset({"events.read", "admin"}), 60))
    known = tokens.find_known(header)
    assert known is not None
    assert known == Tokens(keys, ISSUER, storage).verify(header)
    assert Tokens(keys, ISSUER, storage).find_known(header) is None


def test_a_token_issued_for_a_client_that_was_revoked_meanwhile_is_not_known(
    tokens: Tokens, participants: Participants, a_client: AClient
):
    client, _ = a_client()
    tokens.refresh()
    participants.revoke_client("bapenda", client.client_id, OPERATOR)
    tokens.refresh()
    assert tokens.find_known(bearer(tokens.issue(client, client.scopes, 60))) is None


def test_a_token_that_is_issued_carries_what_its_client_may_by_now(tokens: Tokens, storage: Storage, a_client: AClient):
    client, _ = a_client("events.read", "events.publish")
    with storage.write() as transaction:
        fewer = sa.update(CLIENTS).where(CLIENTS.c.client_id == client.client_id).values(scopes="events.read")
        transaction.execute(fewer)
    tokens.refresh()
    known = tokens.find_known(bearer(tokens.issue(client, client.scopes, 60)))
    assert known is not None
    assert known.scopes == {"events.read"}
