"""The bus's keys: made once, read by the bus alone, whole or not at all."""

import subprocess
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from bus import json
from bus.identity.keys import Keys, KeysExposed, KeysMissing, Undecryptable, create_keys, load_keys


def test_keys_are_for_the_owner_alone(tmp_path: Path):
    create_keys(tmp_path / "data" / "keys")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data" / "keys").iterdir()}
    assert modes == {"signing.json": 0o600, "encryption": 0o600, "pseudonym": 0o600}
    assert (tmp_path / "data" / "keys").stat().st_mode & 0o777 == 0o700


def test_keys_that_are_there_stay(tmp_path: Path):
    assert create_keys(tmp_path / "keys")
    before = (tmp_path / "keys" / "signing.json").read_bytes()
    assert not create_keys(tmp_path / "keys")
    assert (tmp_path / "keys" / "signing.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize("name", ["signing.json", "encryption", "pseudonym"])
def test_a_lost_key_is_told_and_not_made_again(tmp_path: Path, name: str):
    create_keys(tmp_path / "keys")
    (tmp_path / "keys" / name).unlink()
    assert not create_keys(tmp_path / "keys")
    with pytest.raises(KeysMissing, match=name):
        load_keys(tmp_path / "keys")


@pytest.mark.parametrize("name", ["signing.json", "encryption"])
def test_a_damaged_key_is_told(tmp_path: Path, name: str):
    create_keys(tmp_path / "keys")
    (tmp_path / "keys" / name).write_bytes(b"[]")
    with pytest.raises(KeysMissing, match="damaged"):
        load_keys(tmp_path / "keys")


@pytest.mark.parametrize("name", ["signing.json", "encryption", "pseudonym"])
@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o644])
def test_a_key_that_others_can_take_stops_the_start(tmp_path: Path, name: str, mode: int):
    create_keys(tmp_path / "keys")
    (tmp_path / "keys" / name).chmod(mode)
    with pytest.raises(KeysExposed, match="chmod"):
        load_keys(tmp_path / "keys")


def test_keys_in_a_folder_where_others_can_replace_them_stop_the_start(tmp_path: Path):
    create_keys(tmp_path / "keys")
    (tmp_path / "keys").chmod(0o770)
    with pytest.raises(KeysExposed, match="chmod"):
        load_keys(tmp_path / "keys")


def test_keys_that_were_mended_as_the_message_says_are_taken(tmp_path: Path):
    create_keys(tmp_path / "keys")
    (tmp_path / "keys" / "encryption").chmod(0o644)
    subprocess.run(["chmod", "-R", "u=rwX,go=", tmp_path / "keys"], check=True)
    assert load_keys(tmp_path / "keys").jwks()


def test_the_published_keys_hold_nothing_private(keys: Keys):
    (published,) = keys.jwks()["keys"]
    assert "d" not in published
    assert published["kid"] == keys.ring.keys[0].thumbprint()


def test_a_token_of_the_key_before_is_still_verified(tmp_path: Path):
    create_keys(tmp_path / "keys")
    old = load_keys(tmp_path / "keys")
    new = OKPKey.generate_key("Ed25519", auto_kid=True)
    ring = {"keys": [new.as_dict(private=True), *old.ring.as_dict(private=True)["keys"]]}
    (tmp_path / "keys" / "signing.json").write_bytes(json.dumps(ring))
    rotated = load_keys(tmp_path / "keys")
    assert rotated.read(old.sign("at+jwt", {"jti": "1"}).encode()) is not None
    assert jwt.decode(rotated.sign("x", {}), KeySet([new]), algorithms=["EdDSA"])
    assert len(rotated.jwks()["keys"]) == 2


def test_what_is_encrypted_comes_back(keys: Keys):
    secret = keys.encrypt("whsec_rahasia")
    assert "rahasia" not in secret
    assert keys.decrypt(secret) == "whsec_rahasia"


def test_another_bus_does_not_decrypt(keys: Keys, tmp_path: Path):
    create_keys(tmp_path / "keys")
    with pytest.raises(Undecryptable):
        load_keys(tmp_path / "keys").decrypt(keys.encrypt("whsec_rahasia"))


def test_keys_do_not_show_themselves(keys: Keys):
    assert repr(keys) == "Keys()"
    assert len(keys.pseudonym) == 32
