"""The register of participants and clients."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from bus import json
from bus.actions import Verb
from bus.identity import secrets
from bus.identity.errors import ClientHasKeys, ScopeNotYours
from bus.identity.participants import (
    ClientRevoked,
    ClientUnknown,
    Kind,
    KindRefused,
    NameRefused,
    NothingToChange,
    Participant,
    ParticipantExists,
    Participants,
    ParticipantUnknown,
    ScopeUnknown,
    TitleRefused,
    bootstrap,
)
from bus.identity.public_keys import KeySetRefused
from bus.identity.scopes import Scope
from bus.identity.tables import CLIENTS
from bus.storage import CHANGES_TABLE, Storage
from tests.an_actor import OPERATOR, actions, an_actor


def changes(storage: Storage) -> int:
    with storage.read() as transaction:
        return transaction.value(sa.select(CHANGES_TABLE.c.number).where(CHANGES_TABLE.c.topic == "clients")) or 0


def test_a_participant_is_known_once_added(participants: Participants):
    participants.add("dinkes", "Dinas Kesehatan", Kind.APP, OPERATOR)
    assert participants.get("dinkes") == Participant("dinkes", "Dinas Kesehatan", Kind.APP)


def test_a_name_is_taken_once(participants: Participants):
    with pytest.raises(ParticipantExists):
        participants.add("bapenda", "Another", Kind.APP, OPERATOR)


@pytest.mark.parametrize("name", ["", "b", "Bapenda", "1dinas", "-x", "bapenda ", "bapenda\n", "a" * 64, "a\x00"])
def test_a_strange_name_is_refused(participants: Participants, name: str):
    with pytest.raises(NameRefused):
        participants.add(name, "Dinas", Kind.APP, OPERATOR)


@pytest.mark.parametrize("title", ["", " ", "two\nlines", "nul\x00"])
def test_a_strange_title_is_refused(participants: Participants, title: str):
    with pytest.raises(TitleRefused):
        participants.add("dinkes", title, Kind.APP, OPERATOR)


def test_nobody_adds_an_operator(participants: Participants):
    with pytest.raises(KindRefused):
        participants.add("dinkes", "Dinas Kesehatan", Kind.OPERATOR, OPERATOR)


def test_pages_follow_each_other(participants: Participants):
    for name in ("dpupr", "dinkes", "bappeda"):
        participants.add(name, name, Kind.APP, OPERATOR)
    first = participants.list_page(2)
    second = participants.list_page(2, first[-1].name)
    assert [found.name for found in (*first, *second)] == ["bapenda", "bappeda", "dinkes", "dpupr"]


def test_a_secret_is_not_kept(participants: Participants, storage: Storage, tmp_path: Path):
    client, secret = participants.add_client("bapenda", ["events.read"], by=OPERATOR)
    with storage.read() as transaction:
        row = transaction.one(sa.select(CLIENTS))
    assert row.secret_hash.startswith("sha256:")
    assert secret not in str(tuple(row))
    assert secrets.fits(secret, row.secret_hash)
    assert row.client_id == client.client_id


@pytest.mark.parametrize("scopes", [[], ["events.publish", "root"]])
def test_only_scopes_that_exist_are_given(participants: Participants, scopes: list[str]):
    with pytest.raises(ScopeUnknown, match=r"subscriptions\.manage"):
        participants.add_client("bapenda", scopes, by=OPERATOR)


@pytest.mark.parametrize("name", ["dinkes", "a\x00"])
def test_a_client_belongs_to_a_known_participant(participants: Participants, name: str):
    with pytest.raises(ParticipantUnknown):
        participants.add_client(name, ["events.read"], by=OPERATOR)


def a_weak_rsa_key() -> dict[str, Any]:
    with pytest.warns(SecurityWarning):
        return dict(RSAKey.generate_key(1024).as_dict(private=False))


def a_public(kind: type[Any], size: Any, **members: Any) -> dict[str, Any]:
    return {**kind.generate_key(size).as_dict(private=False), **members}


TAKEN = {
    "EdDSA": a_public(OKPKey, "Ed25519", alg="EdDSA", use="sig"),
    "Ed25519, RFC 9864": a_public(OKPKey, "Ed25519", alg="Ed25519", key_ops=["verify"]),
    "P-256": a_public(ECKey, "P-256", alg="ES256"),
    "P-384": a_public(ECKey, "P-384"),
    "RSA": a_public(RSAKey, 2048),
    "RSA for PS256": a_public(RSAKey, 2048, alg="PS256", x5t="abc", kid="1"),
}
REFUSED = {
    "symmetric": OctKey.generate_key(256).as_dict(private=True),
    "RSA of 1024 bits": a_weak_rsa_key(),
    "RSA with the exponent 3": a_public(RSAKey, 2048, e="Aw"),
    "RSA of 8192 bits": a_public(RSAKey, 2048, n="_" * 1366),
    "RSA for RS512": a_public(RSAKey, 2048, alg="RS512"),
    "RSA for HS256": a_public(RSAKey, 2048, alg="HS256"),
    "RSA for none": a_public(RSAKey, 2048, alg="none"),
    "P-521": a_public(ECKey, "P-521"),
    "secp256k1": a_public(ECKey, "secp256k1"),
    "P-256 for ES384": a_public(ECKey, "P-256", alg="ES384"),
    "a private P-256 key": ECKey.generate_key("P-256").as_dict(private=True),
    "a private RSA key": RSAKey.generate_key(2048).as_dict(private=True),
    "X25519": a_public(OKPKey, "X25519"),
    "Ed448": a_public(OKPKey, "Ed448"),
    "a private Ed25519 key": OKPKey.generate_key("Ed25519").as_dict(private=True),
    "for encryption": a_public(OKPKey, "Ed25519", use="enc"),
    "to sign": a_public(OKPKey, "Ed25519", key_ops=["sign"]),
    "with operations that are no list": a_public(OKPKey, "Ed25519", key_ops=1),
    "with a kid that is no text": a_public(OKPKey, "Ed25519", kid=1),
    "with a long kid": a_public(OKPKey, "Ed25519", kid="k" * 256),
    "with an alg that is no text": a_public(OKPKey, "Ed25519", alg=["EdDSA"]),
    "without its values": {"kty": "OKP"},
    "of an unknown kind": {"kty": "ML-DSA"},
    "of a kind that is no text": {"kty": ["OKP"]},
    "text": "key",
    "null": None,
}


@pytest.mark.parametrize("key", TAKEN.values(), ids=TAKEN.keys())
def test_public_keys_that_the_bus_verifies_with_are_registered(participants: Participants, key: Any):
    client, secret = participants.add_client("bapenda", ["events.read"], {"keys": [key, key]}, by=OPERATOR)
    assert secret is None
    found = participants.find_credentials(client.client_id)
    assert found is not None
    assert found.jwks is not None
    assert {name: key[name] for name in ("kty", "alg", "kid") if name in key}.items() <= json.loads(found.jwks)["keys"][
        0
    ].items()


@pytest.mark.parametrize("key", REFUSED.values(), ids=REFUSED.keys())
def test_no_other_keys_are_registered_and_each_wrong_one_is_named(participants: Participants, key: Any):
    good = TAKEN["EdDSA"]
    with pytest.raises(KeySetRefused) as refused:
        participants.add_client("bapenda", ["events.read"], {"keys": [good, key]}, by=OPERATOR)
    assert [error.pointer.removesuffix("/kid") for error in refused.value.errors] == ["/jwks/keys/1"]


@pytest.mark.parametrize("jwks", [{}, {"keys": []}, {"keys": None}, {"keys": "x"}, {"keys": [TAKEN["P-256"]] * 17}])
def test_an_empty_key_set_is_refused(participants: Participants, jwks: dict[str, Any]):
    with pytest.raises(KeySetRefused):
        participants.add_client("bapenda", ["events.read"], jwks, by=OPERATOR)


def test_a_revoked_client_has_no_credentials(participants: Participants):
    client, _ = participants.add_client("bapenda", ["events.read"], by=OPERATOR)
    participants.revoke_client("bapenda", client.client_id, OPERATOR)
    assert participants.find_credentials(client.client_id) is None
    assert [found.revoked for found in participants.list_clients("bapenda", 10)] == [True]


def test_a_clients_scopes_are_changed_and_its_secret_stays(participants: Participants, storage: Storage):
    client, secret = participants.add_client("bapenda", ["events.read", "admin"], by=OPERATOR)
    before = changes(storage)
    changed = participants.update_client("bapenda", client.client_id, ["events.read", "queries.call"], by=OPERATOR)
    assert changed.scopes == {"events.read", "queries.call"}
    found = participants.find_credentials(client.client_id)
    assert found is not None
    assert (found.client, secrets.fits(secret or "", found.secret_hash)) == (changed, True)
    assert changes(storage) == before + 1
    (entry,) = [action for action in actions(storage) if action.what is Verb.CLIENT_UPDATE]
    assert (entry.before, entry.after) == (
        {"scopes": ["admin", "events.read"], "keys": 0},
        {"scopes": ["events.read", "queries.call"], "keys": 0},
    )
    assert (entry.on.id, entry.on_behalf_of) == (client.client_id, "bapenda")


def test_a_client_that_gets_keys_has_no_working_secret(participants: Participants):
    client, secret = participants.add_client("bapenda", ["events.read"], by=OPERATOR)
    participants.update_client("bapenda", client.client_id, jwks={"keys": [TAKEN["P-256"]]}, by=OPERATOR)
    found = participants.find_credentials(client.client_id)
    assert found is not None
    assert not secrets.fits(secret or "", found.secret_hash)
    assert found.client.scopes == {"events.read"}


@pytest.mark.parametrize(
    ("scopes", "jwks", "refusal"),
    [
        (None, None, NothingToChange),
        ([], None, ScopeUnknown),
        (["root"], None, ScopeUnknown),
        (["events.read"], {"keys": []}, KeySetRefused),
    ],
)
def test_a_wrong_change_of_a_client_changes_nothing(
    participants: Participants, scopes: list[str] | None, jwks: dict[str, Any] | None, refusal: type[Exception]
):
    client, _ = participants.add_client("bapenda", ["events.publish"], by=OPERATOR)
    with pytest.raises(refusal):
        participants.update_client("bapenda", client.client_id, scopes, jwks, by=OPERATOR)
    assert participants.find_client(client.client_id) == client


def test_nobody_changes_a_client_that_is_revoked_unknown_or_another_s(participants: Participants):
    client, _ = participants.add_client("bapenda", ["events.read"], by=OPERATOR)
    participants.add("dinkes", "Dinas Kesehatan", Kind.APP, OPERATOR)
    participants.revoke_client("bapenda", client.client_id, OPERATOR)
    for whose, client_id, refusal in (
        ("bapenda", client.client_id, ClientRevoked),
        ("dinkes", client.client_id, ClientUnknown),
        ("bapenda", "a\x00", ClientUnknown),
        ("dpupr", client.client_id, ParticipantUnknown),
    ):
        with pytest.raises(refusal):
            participants.update_client(whose, client_id, ["admin"], by=OPERATOR)


@pytest.mark.parametrize("client_id", ["client_x", "a\x00", "\ud800"])
def test_an_unknown_client_has_no_credentials(participants: Participants, client_id: str):
    assert participants.find_credentials(client_id) is None
    with pytest.raises(ClientUnknown):
        participants.revoke_client("bapenda", client_id, OPERATOR)


def test_nobody_revokes_the_client_of_another(participants: Participants):
    participants.add("dinkes", "Dinas Kesehatan", Kind.APP, OPERATOR)
    client, _ = participants.add_client("bapenda", ["events.read"], by=OPERATOR)
    with pytest.raises(ClientUnknown):
        participants.revoke_client("dinkes", client.client_id, OPERATOR)
    assert participants.find_credentials(client.client_id) is not None


@pytest.mark.parametrize(
    "act",
    [
        lambda them, client: them.add("dinkes", "Dinas Kesehatan", Kind.APP, OPERATOR),
        lambda them, client: them.add_client("bapenda", ["events.read"], by=OPERATOR),
        lambda them, client: them.revoke_client("bapenda", client.client_id, OPERATOR),
    ],
    ids=["add", "add_client", "revoke_client"],
)
def test_every_change_is_announced(participants: Participants, storage: Storage, act: Callable[..., object]):
    client, _ = participants.add_client("bapenda", ["events.read"], by=OPERATOR)
    before = changes(storage)
    act(participants, client)
    assert changes(storage) > before


def test_the_first_client_may_do_everything(storage: Storage):
    made = bootstrap(storage, OPERATOR)
    assert made is not None
    credentials = Participants(storage).find_credentials(made[0])
    assert credentials is not None
    assert credentials.client.scopes == frozenset(Scope)
    assert Participants(storage).get("operator").kind is Kind.OPERATOR
    assert secrets.fits(made[1], credentials.secret_hash)


def test_the_operator_is_made_once(storage: Storage):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: bootstrap(storage, OPERATOR), range(4)))
    assert sum(credentials is not None for credentials in made) == 1
    assert len(Participants(storage).list_clients("operator", 10)) == 1


OFFICE = an_actor("dinkes", client_id=None)
A_KEY_SET = {"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]}


@pytest.mark.parametrize("scope", [Scope.ADMIN, Scope.AUDIT_READ, Scope.CONTRACTS_APPROVE, Scope.CONTRACTS_WRITE])
def test_an_office_cannot_give_itself_what_the_operator_gives(participants: Participants, scope: Scope):
    participants.add("dinkes", "Dinas Kesehatan", Kind.APP, OPERATOR)
    with pytest.raises(ScopeNotYours):
        participants.add_client("dinkes", [scope, "events.read"], by=OFFICE)
    plain, _ = participants.add_client("dinkes", ["events.read"], by=OFFICE)
    with pytest.raises(ScopeNotYours):
        participants.update_client("dinkes", plain.client_id, [scope], by=OFFICE)
    high, _ = participants.add_client("dinkes", [scope], by=OPERATOR)
    kept = participants.update_client("dinkes", high.client_id, [scope, "events.read"], by=OFFICE)
    assert kept.scopes == {scope, "events.read"}


def test_an_office_cannot_take_over_a_client_that_may_do_more(participants: Participants):
    participants.add("dinkes", "Dinas Kesehatan", Kind.APP, OPERATOR)
    high, _ = participants.add_client("dinkes", ["contracts.approve"], by=OPERATOR)
    with pytest.raises(ScopeNotYours):
        participants.rotate_secret("dinkes", high.client_id, OFFICE)
    with pytest.raises(ScopeNotYours):
        participants.update_client("dinkes", high.client_id, jwks=A_KEY_SET, by=OFFICE)


def test_a_new_secret_takes_the_place_of_the_old_one(participants: Participants, storage: Storage):
    participants.add("dinkes", "Dinas Kesehatan", Kind.APP, OPERATOR)
    client, old = participants.add_client("dinkes", ["events.read"], by=OFFICE)
    before = changes(storage)
    new = participants.rotate_secret("dinkes", client.client_id, OFFICE)
    credentials = participants.find_credentials(client.client_id)
    assert credentials is not None
    assert credentials.secret_hash == secrets.make_digest(new)
    assert new != old
    assert changes(storage) > before
    assert actions(storage)[-1].what is Verb.CLIENT_ROTATE_SECRET


def test_a_client_with_keys_or_a_revoked_one_gets_no_secret(participants: Participants):
    participants.add("dinkes", "Dinas Kesehatan", Kind.APP, OPERATOR)
    keyed, _ = participants.add_client("dinkes", ["events.read"], A_KEY_SET, by=OPERATOR)
    with pytest.raises(ClientHasKeys):
        participants.rotate_secret("dinkes", keyed.client_id, OFFICE)
    gone, _ = participants.add_client("dinkes", ["events.read"], by=OPERATOR)
    participants.revoke_client("dinkes", gone.client_id, OPERATOR)
    with pytest.raises(ClientRevoked):
        participants.rotate_secret("dinkes", gone.client_id, OFFICE)
    with pytest.raises(ClientUnknown):
        participants.rotate_secret("dinkes", "client_x", OFFICE)
