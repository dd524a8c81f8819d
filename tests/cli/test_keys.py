"""`bus keys`: a bus goes on with new keys, and an old token ends where the old keys leaked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from bus.delivery.subscription import NewSubscription, Webhook
from bus.delivery.subscriptions import Subscriptions
from bus.identity.keys import load_keys
from bus.storage import open_storage
from tests.an_actor import OPERATOR
from tests.cli.a_command import Commands, commands


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


@pytest.mark.parametrize(("arguments", "stands"), [((), True), (("--leaked",), False)])
def test_keys_are_rotated(bus: Commands, arguments: tuple[str, ...], stands: bool):
    folder = bus.folder / "data" / "keys"
    token = load_keys(folder).sign("at+jwt", {"jti": "1"})
    ran = bus("keys", "rotate", *arguments)
    assert (ran.code, "every token has ended" in ran.out) == (0, not stands)
    assert (load_keys(folder).read(token.encode()) is not None) is stands


@pytest.mark.parametrize(("algorithm", "code"), [("RS256", 0), ("HS256", 2), ("none", 2)])
def test_a_signing_key_of_another_algorithm_is_made(bus: Commands, algorithm: str, code: int):
    assert bus("keys", "rotate", "--algorithm", algorithm).code == code
    newest = load_keys(bus.folder / "data" / "keys").ring[0]
    assert newest.algorithm == (algorithm if code == 0 else "EdDSA")


def test_where_no_keys_are_none_are_rotated(bus: Commands, tmp_path: Path):
    ran = bus("keys", "rotate", "--data", tmp_path / "nowhere")
    assert ran.code == 1
    assert "bus init" in ran.err
    assert not (tmp_path / "nowhere").exists()


def test_rotating_the_keys_encrypts_what_an_earlier_version_stored_so_that_running_processes_read_it(bus: Commands):
    folder = bus.folder / "data" / "keys"
    line = Fernet.generate_key()
    (folder / "encryption").write_bytes(line)
    running = load_keys(folder)
    storage = open_storage(f"sqlite:///{bus.folder / 'data' / 'bus.db'}")
    new = NewSubscription("bapenda", ["perizinan.izin"], Webhook("https://bapenda.example/hook"), [], None, 0)
    secrets = Subscriptions(storage, running).add(new, OPERATOR).secrets
    with storage.write() as transaction:
        plain = running.decrypt(transaction.value(sa.text("SELECT secrets FROM subscriptions")))
        earlier = Fernet(line).encrypt(plain.encode()).decode()
        transaction.execute(sa.text("UPDATE subscriptions SET secrets = :secrets"), {"secrets": earlier})
    assert bus("keys", "rotate").code == 0
    with storage.read() as transaction:
        stored = transaction.value(sa.text("SELECT secrets FROM subscriptions"))
    assert running.encryption.is_current(stored)
    for keys in (running, load_keys(folder)):
        (read,) = Subscriptions(storage, keys).listed(None)
        assert read.secrets == secrets
    storage.close()
