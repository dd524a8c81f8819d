"""Keys are rotated while the bus runs: nothing is restarted, and no good token is refused on the way."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bus.identity.keys import create_keys, load_keys, rotate_keys
from bus.identity.participants import Participants
from bus.identity.rotation import Rotation
from bus.identity.tokens import Tokens, Unauthenticated
from bus.storage import Storage
from tests.identity.conftest import ISSUER, AClient


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.mark.parametrize("is_leaked", [False, True])
def test_a_token_ends_at_once_only_where_its_key_leaked(
    folder: Path, storage: Storage, participants: Participants, a_client: AClient, is_leaked: bool
):
    keys = load_keys(folder)
    client, _ = a_client()
    tokens = Tokens(keys, ISSUER, storage)
    token = f"Bearer {tokens.issue(client, client.scopes, 600)}".encode()
    assert tokens.find_known(token) is not None
    told: list[str] = []
    rotate_keys(folder, leaked=is_leaked)
    Rotation(keys, [tokens.forget, lambda: told.append("readers")]).look()
    if is_leaked:
        assert tokens.find_known(token) is None
        with pytest.raises(Unauthenticated):
            tokens.verify(token)
    else:
        assert tokens.verify(token).client_id == client.client_id
    assert told == (["readers"] if is_leaked else [])
    assert tokens.verify(f"Bearer {tokens.issue(client, client.scopes, 600)}".encode()).client_id == client.client_id


def test_keys_that_cannot_be_read_are_told_once_and_change_nothing(folder: Path):
    keys = load_keys(folder)
    rotation = Rotation(keys, [])
    (folder / "signing.json").write_bytes(b"{")
    with capture_logs() as lines:
        rotation.look()
        rotation.look()
    assert [(line["event"], line["log_level"]) for line in lines] == [("keys.unreadable", "error")]
    assert keys.read(keys.sign("at+jwt", {}).encode()) is not None
