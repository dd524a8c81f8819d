"""Keys: the bus signs tokens, encrypts secrets and derives pseudonyms with them.

They lie in one folder (mode 0700), each in its own file (mode 0600). The bus makes all of them together or none. If one key is
lost, the bus must say so. With a new encryption key it could not read its subscriptions' secrets.

A rotation adds keys that take over a minute later. Until then every process has read them (`Keys.refresh`). So no process
meets a token or a secret of a key that it does not know.
"""

import os
import secrets
import shutil
import stat
import tempfile
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError

from bus import json
from bus.identity.encryption import Encryption, new_key, read_keys
from bus.identity.encryption import Undecryptable as Undecryptable
from bus.identity.signatures import KeyUnusable, SigningKey, make_signing_key, read_signing_key, verify_jwt
from bus.problem import Refused

_SIGNING = "signing.json"
_ENCRYPTION = "encryption"
_PSEUDONYM = "pseudonym"
_PSEUDONYM_BYTES: Final = 32

_TAKES_OVER: Final = 60
"""Seconds from a rotation until its keys sign and encrypt."""
_LONGEST_TOKEN: Final = 3600 + 60
"""Seconds after its last signature for which a key still has tokens to verify."""

Clock = Callable[[], float]


class KeysMissing(Refused):
    """The bus has no usable keys here; `bus init` makes them."""

    status = 500
    slug = "keys-missing"


class KeysExposed(Refused):
    """Other users of this machine can read or replace the bus's keys; take their rights away."""

    status = 500
    slug = "keys-exposed"


@dataclass(frozen=True, slots=True)
class _Held:
    """What the files hold.

    Attributes:
        ring: the signing keys, the newest first.
        encryption: the encryption keys.
        pseudonym: 32 random bytes.
    """

    ring: Sequence[SigningKey] = field(repr=False)
    encryption: Encryption = field(repr=False)
    pseudonym: bytes = field(repr=False)


class Keys:
    """The keys of one bus, the same in every process of a fleet. Threads may call all of it at the same time."""

    def __init__(self, folder: Path, now: Clock = time.time) -> None:
        """Read the keys.

        Raises:
            KeysMissing, KeysExposed: see `load_keys`.
        """
        self._folder = folder
        self._now = now
        self._seen = _look(folder)
        self._held = _read(folder, now)

    def __repr__(self) -> str:
        return "Keys()"

    @property
    def ring(self) -> Sequence[SigningKey]:
        """The signing keys, the newest first. The newest that has begun signs, and all verify."""
        return self._held.ring

    @property
    def pseudonym(self) -> bytes:
        """32 random bytes, from which the bus derives pseudonyms of persons. They never change."""
        return self._held.pseudonym

    @property
    def encryption(self) -> Encryption:
        """The encryption keys. The newest that has begun encrypts, and all decrypt."""
        return self._held.encryption

    def refresh(self) -> bool:
        """Read the keys again if their files changed. Synchronous.

        Returns:
            Whether a signing key is gone, and with it the tokens that it signed.

        Raises:
            KeysMissing, KeysExposed: see `load_keys`. The keys stay as they were until the files change again.
        """
        seen = _look(self._folder)
        if seen == self._seen:
            return False
        self._seen = seen
        before = {key.kid for key in self.ring}
        self._held = _read(self._folder, self._now)
        return not before <= {key.kid for key in self.ring}

    def sign(self, kind: str, claims: Mapping[str, Any]) -> str:
        """A signed JWT with these claims. Its header's `typ` is `kind`."""
        now, ring = self._now(), self.ring
        return next((key for key in ring if key.begins <= now), ring[-1]).sign(kind, claims)

    def read(self, token: bytes) -> jwt.Token | None:
        """The header and claims of a JWT that one of the bus's keys signed, or None. The claims are not checked here."""
        return verify_jwt(token, [key.public for key in self.ring])

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JWK Set (RFC 7517)."""
        return {"keys": [key.describe() for key in self.ring]}

    def encrypt(self, text: str) -> str:
        """The encrypted text. Only `decrypt` of this bus reads it."""
        return self.encryption.encrypt(text)

    def decrypt(self, secret: str) -> str:
        """The text that `encrypt` encrypted.

        Raises:
            Undecryptable: another key encrypted the secret, or the secret was changed.
        """
        return self.encryption.decrypt(secret)


def create_keys(folder: Path) -> bool:
    """Make the keys in `folder`, such as `<data_dir>/keys`.

    Returns:
        Whether keys were made. False: the folder already holds keys, and they stay as they are.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".keys-", dir=folder.parent))
    for name, content in _new_keys().items():
        _write(draft / name, content)
    try:
        # `rename` fails if the folder holds something. So if two processes make keys at once, one wins.
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft)
        if not folder.is_dir():
            raise
        return False
    return True


def load_keys(folder: Path, now: Clock = time.time) -> Keys:
    """The keys in `folder`.

    Args:
        now: seconds since 1970 in UTC.

    Raises:
        KeysMissing: a file of keys is missing or damaged.
        KeysExposed: other users may read or replace the keys, as after a copy that lost the files' modes.
    """
    return Keys(folder, now)


def rotate_keys(folder: Path, *, leaked: bool = False, algorithm: str = "EdDSA", now: Clock = time.time) -> None:
    """Add a new signing key and a new encryption key to the keys in `folder`. The pseudonym key stays.

    The new keys take over a minute later. An earlier signing key stays as long as a token of it may be valid.

    Args:
        leaked: whether somebody else has the present keys. If so, the new keys take over at once, no earlier signing key stays,
            and every token ends. Earlier encryption keys still decrypt.
        algorithm: one of `ALGORITHMS`, for the new signing key.
        now: seconds since 1970 in UTC.

    Raises:
        KeysMissing, KeysExposed: see `load_keys`.
    """
    present = load_keys(folder)
    moment = now()
    begins = 0 if leaked else int(moment) + _TAKES_OVER
    kept = [] if leaked else [key.jwk for key in _find_needed(present.ring, moment)]
    ring = [make_signing_key(algorithm, begins), *kept]
    encryption = b"\n".join([new_key(begins), (folder / _ENCRYPTION).read_bytes()])
    # The signing keys come last. After an interruption between the two, the operator runs the command again.
    for name, content in ((_ENCRYPTION, encryption), (_SIGNING, json.dumps({"keys": ring}))):
        draft = Path(tempfile.mkdtemp(prefix=".keys-", dir=folder)) / name
        _write(draft, content)
        draft.rename(folder / name)
        draft.parent.rmdir()


def _find_needed(ring: Sequence[SigningKey], now: float) -> Iterator[SigningKey]:
    """The keys that sign, or whose tokens may be valid. A key signs until the next newer one begins."""
    yield ring[0]
    for newer, key in pairwise(ring):
        if now < newer.begins + _LONGEST_TOKEN:
            yield key


def _look(folder: Path) -> Sequence[tuple[int, int, int] | None]:
    """What changes when somebody writes, replaces or exposes a file of keys."""
    return [_look_at(folder / name) for name in (_SIGNING, _ENCRYPTION, _PSEUDONYM)]


def _look_at(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns, status.st_size


def _read(folder: Path, now: Clock) -> _Held:
    try:
        _check_modes(folder)
        ring = [read_signing_key(jwk) for jwk in json.loads((folder / _SIGNING).read_bytes())["keys"]]
        encryption = read_keys((folder / _ENCRYPTION).read_bytes(), now)
        pseudonym = urlsafe_b64decode((folder / _PSEUDONYM).read_bytes())
    except OSError as error:
        raise KeysMissing(f"Cannot read {error.filename}: {error.strerror}; has `bus init` run?") from error
    except (ValueError, KeyError, TypeError, JoseError, KeyUnusable) as error:
        raise KeysMissing(f"A key in {folder} is damaged; restore it from the backup.") from error
    if not ring or len(pseudonym) != _PSEUDONYM_BYTES:
        # Base64 ignores what is no digit of it: another pseudonym key would name every person anew.
        raise KeysMissing(f"A key in {folder} is damaged; restore it from the backup.")
    return _Held(ring, encryption, pseudonym)


def _check_modes(folder: Path) -> None:
    """Refuse keys that other users could read or replace. The rule is PostgreSQL's rule for its server key."""
    exposed = folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    for name in (_SIGNING, _ENCRYPTION, _PSEUDONYM):
        status = (folder / name).stat()
        # A group may read a file that root owns, since containers get their secrets so.
        allowed = 0 if status.st_uid else stat.S_IRGRP
        exposed |= status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~allowed
    if exposed:
        raise KeysExposed(f"Run `chmod -R u=rwX,go= {folder}`. If somebody else could read the keys, replace them too.")


def _new_keys() -> dict[str, bytes]:
    return {
        _SIGNING: json.dumps({"keys": [make_signing_key("EdDSA")]}),
        _ENCRYPTION: new_key(),
        _PSEUDONYM: urlsafe_b64encode(secrets.token_bytes(_PSEUDONYM_BYTES)),
    }


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
