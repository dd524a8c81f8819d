"""The bus's keys: made once, read by the bus alone, whole or not at all."""

import subprocess
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bus.identity.keys import Keys, KeysExposed, KeysMissing, Undecryptable, create_keys, load_keys, rotate_keys
from bus.identity.signatures import ALGORITHMS


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


@pytest.mark.parametrize("name", ["signing.json", "encryption", "pseudonym"])
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
    assert published.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert published["kid"] == keys.ring[0].key.thumbprint()


NOW = 1_800_000_000
MINUTE, HOUR = 60, 3600


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


def renewed(folder: Path, *, leaked: bool = False) -> tuple[Keys, Keys]:
    """The keys in a folder before a renewal, and a minute after it."""
    create_keys(folder)
    before = load_keys(folder, Clock())
    rotate_keys(folder, leaked=leaked, now=Clock())
    return before, load_keys(folder, Clock(NOW + MINUTE))


def test_a_token_of_the_key_before_is_still_verified(tmp_path: Path):
    before, after = renewed(tmp_path / "keys")
    assert after.read(before.sign("at+jwt", {"jti": "1"}).encode()) is not None
    assert before.read(after.sign("at+jwt", {"jti": "1"}).encode()) is None
    assert len(after.jwks()["keys"]) == 2


def test_a_new_key_is_published_before_it_signs_and_encrypts(tmp_path: Path):
    create_keys(tmp_path / "keys")
    clock = Clock()
    first, other = load_keys(tmp_path / "keys", clock), load_keys(tmp_path / "keys", clock)
    rotate_keys(tmp_path / "keys", now=clock)
    first.refresh()
    for taken_over in (False, True):
        # The other process has not looked at its files yet.
        assert (other.read(first.sign("at+jwt", {}).encode()) is None) is taken_over
        assert other.encryption.is_current(first.encrypt("whsec_rahasia")) is not taken_over
        assert [key["kid"] for key in first.jwks()["keys"]] == [key.kid for key in first.ring]
        clock.now += MINUTE
    other.refresh()
    assert other.read(first.sign("at+jwt", {}).encode()) is not None
    assert other.decrypt(first.encrypt("whsec_rahasia")) == "whsec_rahasia"


def test_several_rotations_in_a_row_end_no_token_and_an_hour_later_the_old_keys_go(tmp_path: Path):
    create_keys(tmp_path / "keys")
    clock = Clock()
    keys = load_keys(tmp_path / "keys", clock)
    token = keys.sign("at+jwt", {}).encode()
    for _ in range(3):
        rotate_keys(tmp_path / "keys", now=clock)
        assert keys.refresh() is False
        assert keys.read(token) is not None
        assert keys.read(keys.sign("at+jwt", {}).encode()) is not None
    clock.now += HOUR + 3 * MINUTE
    rotate_keys(tmp_path / "keys", now=clock)
    assert keys.refresh() is True
    assert keys.read(token) is None
    assert len(keys.ring) == 2


@pytest.mark.parametrize("name", ["signing.json", "encryption", "pseudonym"])
@pytest.mark.parametrize("fault", ["gone", "damaged", "exposed"])
def test_a_running_process_keeps_its_keys_when_their_files_break(tmp_path: Path, name: str, fault: str):
    create_keys(tmp_path / "keys")
    keys, file = load_keys(tmp_path / "keys"), tmp_path / "keys" / name
    token, content = keys.sign("at+jwt", {}).encode(), file.read_bytes()
    {"gone": file.unlink, "damaged": lambda: file.write_bytes(b"\xff"), "exposed": lambda: file.chmod(0o666)}[fault]()
    with pytest.raises((KeysMissing, KeysExposed)):
        keys.refresh()
    # It is told once, not every second.
    assert keys.refresh() is False
    assert keys.read(token) is not None
    file.write_bytes(content)
    file.chmod(0o600)
    assert keys.refresh() is False
    assert keys.read(token) is not None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tokens_are_signed_and_verified_by_each_algorithm(tmp_path: Path, algorithm: str):
    create_keys(tmp_path / "keys")
    clock = Clock()
    rotate_keys(tmp_path / "keys", algorithm=algorithm, now=clock)
    clock.now += MINUTE
    keys = load_keys(tmp_path / "keys", clock)
    read = keys.read(keys.sign("at+jwt", {"jti": "1"}).encode())
    assert read is not None
    assert read.header == {"alg": algorithm, "typ": "at+jwt", "kid": keys.ring[0].kid}
    published = keys.jwks()["keys"]
    assert [key["alg"] for key in published] == [algorithm, "EdDSA"]
    assert not {"d", "p", "q", "dp", "dq", "qi", "nbf"} & {name for key in published for name in key}


def test_no_token_of_a_leaked_key_is_verified(tmp_path: Path):
    before, after = renewed(tmp_path / "keys", leaked=True)
    assert after.read(before.sign("at+jwt", {"jti": "1"}).encode()) is None
    assert len(after.jwks()["keys"]) == 1
    # The new keys take over at once.
    at_once = load_keys(tmp_path / "keys", Clock())
    assert before.read(at_once.sign("at+jwt", {}).encode()) is None
    assert not before.encryption.is_current(at_once.encrypt("whsec_rahasia"))


@pytest.mark.parametrize("leaked", [False, True])
def test_a_secret_of_the_key_before_is_still_read_and_a_new_one_takes_the_new_key(tmp_path: Path, leaked: bool):
    before, after = renewed(tmp_path / "keys", leaked=leaked)
    assert after.decrypt(before.encrypt("whsec_rahasia")) == "whsec_rahasia"
    with pytest.raises(Undecryptable):
        before.decrypt(after.encrypt("whsec_rahasia"))


def test_a_renewal_leaves_pseudonyms_and_modes_as_they_are(tmp_path: Path):
    before, after = renewed(tmp_path / "keys")
    assert after.pseudonym == before.pseudonym
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    assert modes == {"signing.json": 0o600, "encryption": 0o600, "pseudonym": 0o600}


def test_what_was_encrypted_and_changed_is_refused(keys: Keys):
    secret = keys.encrypt("whsec_rahasia")
    for place in range(0, len(secret), 7):
        other = "A" if secret[place] != "A" else "B"
        with pytest.raises(Undecryptable):
            keys.decrypt(secret[:place] + other + secret[place + 1 :])


def test_what_is_encrypted_comes_back(keys: Keys):
    secret = keys.encrypt("whsec_rahasia")
    assert "rahasia" not in secret
    assert keys.decrypt(secret) == "whsec_rahasia"


def keys_of_an_earlier_version(folder: Path) -> tuple[Keys, Fernet]:
    """The keys in a folder whose encryption key an earlier version made."""
    create_keys(folder)
    line = Fernet.generate_key()
    (folder / "encryption").write_bytes(line)
    return load_keys(folder), Fernet(line)


def test_a_stored_secret_has_aes_256_in_gcm_mode_and_says_so(tmp_path: Path):
    create_keys(tmp_path / "keys")
    assert (tmp_path / "keys" / "encryption").read_bytes().startswith(b"aes-256-gcm:")
    keys = load_keys(tmp_path / "keys")
    first, second = keys.encrypt("whsec_rahasia"), keys.encrypt("whsec_rahasia")
    assert first.startswith("v2.")
    assert first != second


def test_what_an_earlier_version_encrypted_is_still_read(tmp_path: Path):
    keys, fernet = keys_of_an_earlier_version(tmp_path / "keys")
    stored = fernet.encrypt(b"whsec_rahasia").decode()
    assert keys.decrypt(stored) == "whsec_rahasia"
    assert not keys.encryption.is_current(stored)
    rotate_keys(tmp_path / "keys")
    assert load_keys(tmp_path / "keys").decrypt(stored) == "whsec_rahasia"


def test_with_a_key_of_an_earlier_version_what_is_written_next_has_the_new_form(tmp_path: Path):
    keys, _ = keys_of_an_earlier_version(tmp_path / "keys")
    stored = keys.encrypt("whsec_rahasia")
    assert stored.startswith("v2.")
    assert keys.encryption.is_current(stored)
    assert load_keys(tmp_path / "keys").decrypt(stored) == "whsec_rahasia"


def test_a_secret_under_the_key_before_is_not_current(tmp_path: Path):
    before, after = renewed(tmp_path / "keys")
    assert before.encryption.is_current(before.encrypt("whsec_rahasia"))
    assert not after.encryption.is_current(before.encrypt("whsec_rahasia"))


@pytest.mark.parametrize(
    "line", [b"", b"aes-256-gcm:", b"aes-256-gcm:" + urlsafe_b64encode(b"short"), b"aes-512-x:AAAA"]
)
def test_an_encryption_key_of_another_length_or_algorithm_is_damaged(tmp_path: Path, line: bytes):
    create_keys(tmp_path / "keys")
    (tmp_path / "keys" / "encryption").write_bytes(line)
    with pytest.raises(KeysMissing, match="damaged"):
        load_keys(tmp_path / "keys")


@pytest.mark.parametrize("stored", ["", "v2.", "v2.AAAA", "v2.!", "v3.AAAA", "gAAAA", "v2.é", "é"])
def test_what_is_no_stored_secret_is_refused(keys: Keys, stored: str):
    with pytest.raises(Undecryptable):
        keys.decrypt(stored)


def test_another_bus_does_not_decrypt(keys: Keys, tmp_path: Path):
    create_keys(tmp_path / "keys")
    with pytest.raises(Undecryptable):
        load_keys(tmp_path / "keys").decrypt(keys.encrypt("whsec_rahasia"))


def test_keys_do_not_show_themselves(keys: Keys):
    assert repr(keys) == "Keys()"
    assert len(keys.pseudonym) == 32
