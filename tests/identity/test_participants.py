"""The register of participants and clients."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from bus.identity import secrets
from bus.identity.participants import (
    ClientUnknown,
    KeySetRefused,
    Kind,
    KindRefused,
    NameRefused,
    Participant,
    ParticipantExists,
    Participants,
    ParticipantUnknown,
    ScopeUnknown,
    TitleRefused,
    bootstrap,
)
from bus.identity.scopes import Scope
from bus.identity.tables import CLIENTS
from bus.storage import CHANGES_TABLE, Storage
from tests.an_actor import OPERATOR


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


@pytest.mark.parametrize("title", ["", "two\nlines", "nul\x00"])
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


@pytest.mark.parametrize(
    "key",
    [
        OctKey.generate_key(256).as_dict(private=True),
        RSAKey.generate_key(2048).as_dict(private=False),
        ECKey.generate_key("P-384").as_dict(private=False),
        ECKey.generate_key("P-256").as_dict(private=True),
        OKPKey.generate_key("X25519").as_dict(private=False),
        OKPKey.generate_key("Ed25519").as_dict(private=True),
        {"kty": "OKP"},
        {"kty": "ML-DSA"},
        "key",
        None,
    ],
)
def test_only_public_keys_that_the_bus_verifies_with_are_registered(participants: Participants, key: Any):
    good = OKPKey.generate_key("Ed25519").as_dict(private=False)
    with pytest.raises(KeySetRefused):
        participants.add_client("bapenda", ["events.read"], {"keys": [good, key]}, by=OPERATOR)


@pytest.mark.parametrize("jwks", [{}, {"keys": []}, {"keys": None}, {"keys": "x"}])
def test_an_empty_key_set_is_refused(participants: Participants, jwks: dict[str, Any]):
    with pytest.raises(KeySetRefused):
        participants.add_client("bapenda", ["events.read"], jwks, by=OPERATOR)


def test_a_revoked_client_has_no_credentials(participants: Participants):
    client, _ = participants.add_client("bapenda", ["events.read"], by=OPERATOR)
    participants.revoke_client("bapenda", client.client_id, OPERATOR)
    assert participants.find_credentials(client.client_id) is None
    assert [found.revoked for found in participants.list_clients("bapenda", 10)] == [True]


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
