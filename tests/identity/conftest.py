"""What the tests of identity share: an empty bus with keys, and clients of one participant."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bus.identity.clients import Client
from bus.identity.keys import Keys, create_keys, load_keys
from bus.identity.participants import Kind, Participants
from bus.identity.tokens import Tokens
from bus.storage import Storage, open_storage, upgrade
from tests.an_actor import OPERATOR

ISSUER = "https://bus.lamongan.example"

AClient = Callable[..., tuple[Client, str]]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("bus") / "keys"
    create_keys(folder)
    return load_keys(folder)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    yield storage
    storage.close()


@pytest.fixture
def participants(storage: Storage) -> Participants:
    participants = Participants(storage)
    participants.add("bapenda", "Badan Pendapatan Daerah", Kind.APP, OPERATOR)
    return participants


@pytest.fixture
def a_client(participants: Participants) -> AClient:
    """`a_client(*scopes, jwks=None)`: a new client of bapenda and its secret."""

    def add(*scopes: str, jwks: dict[str, object] | None = None) -> tuple[Client, str]:
        return participants.add_client("bapenda", scopes or ("events.publish", "events.read"), jwks, by=OPERATOR)

    return add


@pytest.fixture
def tokens(keys: Keys, storage: Storage) -> Tokens:
    return Tokens(keys, ISSUER, storage)


@pytest.fixture(scope="module")
def empty_bus(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tokens]:
    """The verifier of a bus without clients, for many examples."""
    storage = open_storage(f"sqlite:///{tmp_path_factory.mktemp('empty') / 'bus.db'}")
    upgrade(storage)
    yield Tokens(keys, ISSUER, storage)
    storage.close()
