"""Keys: what the bus signs tokens with, encrypts secrets with, and derives pseudonyms from.

They lie in one folder (mode 0700), each in its own file (mode 0600), and come to be all together or not at all: a bus whose
encryption key was lost must say so rather than make a new one and be unable to read its subscriptions' secrets.
"""

import copy
import os
import secrets
import shutil
import stat
import tempfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import JWSRegistry

from bus import json
from bus.identity.encryption import Encryption, new_key, read_keys
from bus.identity.encryption import Undecryptable as Undecryptable
from bus.problem import Refused

_SIGNING = "signing.json"
_ENCRYPTION = "encryption"
_PSEUDONYM = "pseudonym"


class KeysMissing(Refused):
    """The bus has no usable keys here; `bus init` makes them."""

    status = 500
    slug = "keys-missing"


class KeysExposed(Refused):
    """Other users of this machine can read or replace the bus's keys; take their rights away."""

    status = 500
    slug = "keys-exposed"


def _silence_warning(name: str) -> Any:
    # RFC 9864 renames EdDSA with Ed25519 to "Ed25519", which few libraries know yet; joserfc warns at each use.
    algorithm = copy.copy(JWSRegistry.algorithms[name])
    algorithm.security_warning = None
    return algorithm


class Signatures(JWSRegistry):
    """The signature algorithms that the bus makes and takes: nothing symmetric, and not `none`, whatever a header says."""

    algorithms = {name: _silence_warning(name) for name in ("EdDSA", "ES256")}  # noqa: RUF012
    recommended = ["EdDSA", "ES256"]  # noqa: RUF012


ALGORITHMS = tuple(Signatures.recommended)
"""Names of the algorithms of `Signatures`, for metadata documents."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one bus, the same in every process of a fleet.

    Attributes:
        ring: the signing keys, newest first: the first signs, all verify, so that a new one can be put in front while
            tokens of the old one still live.
        pseudonym: 32 random bytes from which pseudonyms of people are derived.
        encryption: the encryption keys, newest first: the first encrypts, all decrypt.
    """

    ring: KeySet = field(repr=False)
    pseudonym: bytes = field(repr=False)
    encryption: Encryption = field(repr=False)

    def sign(self, kind: str, claims: Mapping[str, Any]) -> str:
        """A JWT of these claims, its header's `typ` set to `kind`."""
        key = self.ring.keys[0]
        header = {"alg": "EdDSA", "typ": kind, "kid": key.kid}
        return jwt.encode(header, dict(claims), key, registry=Signatures())

    def read(self, token: bytes) -> jwt.Token | None:
        """The header and claims of a JWT that one of the keys signed, or None. The claims are not judged here."""
        return verify_jwt(token, self.ring)

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JWK Set (RFC 7517)."""
        return dict(self.ring.as_dict(private=False))

    def encrypt(self, text: str) -> str:
        """`text` so that only `decrypt` of this bus reads it."""
        return self.encryption.encrypt(text)

    def decrypt(self, secret: str) -> str:
        """The text that `encrypt` was given.

        Raises:
            Undecryptable: it was encrypted with another key, or was changed.
        """
        return self.encryption.decrypt(secret)


def verify_jwt(token: bytes | str, keys: KeySet) -> jwt.Token | None:
    """The header and claims of a JWT that one of `keys` signed, or None. The claims are not judged here."""
    try:
        return jwt.decode(token, keys, registry=Signatures())
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        # A header of the wrong shape (`"crit": null`, a thousand lists in each other) makes joserfc stumble rather than refuse.
        return None


def create_keys(folder: Path) -> bool:
    """Make the keys in `folder` (such as `<data_dir>/keys`); False when it holds some already, which stay as they are."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".keys-", dir=folder.parent))
    for name, content in _new_keys().items():
        _write(draft / name, content)
    try:
        # Fails when the folder holds something, so of two makers at once one wins.
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft)
        if not folder.is_dir():
            raise
        return False
    return True


def load_keys(folder: Path) -> Keys:
    """The keys in `folder`.

    Raises:
        KeysMissing: there are none, or a file of them is missing or damaged.
        KeysExposed: users beside the bus's own may read or replace them, as after a copy that lost the files' modes.
    """
    try:
        _check_modes(folder)
        ring = KeySet.import_key_set(json.loads((folder / _SIGNING).read_bytes()))
        encryption = read_keys((folder / _ENCRYPTION).read_bytes())
        pseudonym = urlsafe_b64decode((folder / _PSEUDONYM).read_bytes())
    except OSError as error:
        raise KeysMissing(f"Cannot read {error.filename}: {error.strerror}; has `bus init` run?") from error
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise KeysMissing(f"A key in {folder} is damaged; restore it from the backup.") from error
    return Keys(ring=ring, pseudonym=pseudonym, encryption=encryption)


def rotate_keys(folder: Path, *, leaked: bool = False) -> None:
    """Put a new signing key and a new encryption key in front of those in `folder`; the pseudonym key stays.

    Args:
        leaked: somebody else has the present keys. No earlier signing key is kept, so every token ends. An earlier encryption
            key still decrypts.

    Raises:
        KeysMissing, KeysExposed: see `load_keys`.
    """
    present = load_keys(folder)
    new = _new_keys()
    signing = json.loads(new[_SIGNING])["keys"]
    kept = [] if leaked else present.ring.as_dict(private=True)["keys"][:1]
    encryption = b"\n".join([new[_ENCRYPTION], (folder / _ENCRYPTION).read_bytes()])
    # The signing keys last: whoever is interrupted between the two runs it again.
    for name, content in ((_ENCRYPTION, encryption), (_SIGNING, json.dumps({"keys": [*signing, *kept]}))):
        draft = Path(tempfile.mkdtemp(prefix=".keys-", dir=folder)) / name
        _write(draft, content)
        draft.rename(folder / name)
        draft.parent.rmdir()


def _check_modes(folder: Path) -> None:
    """Refuse keys that other users could read or replace; the rule is PostgreSQL's for its server key."""
    exposed = folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    for name in (_SIGNING, _ENCRYPTION, _PSEUDONYM):
        status = (folder / name).stat()
        # A group may read a file of root's: so secrets are mounted into containers.
        allowed = 0 if status.st_uid else stat.S_IRGRP
        exposed |= status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~allowed
    if exposed:
        raise KeysExposed(f"Run `chmod -R u=rwX,go= {folder}`. If somebody else could read the keys, replace them too.")


def _new_keys() -> dict[str, bytes]:
    key = OKPKey.generate_key("Ed25519")
    # RFC 7638: the thumbprint as kid, so that it says which key it is and is the same everywhere.
    signing = {**key.as_dict(private=True), "kid": key.thumbprint(), "use": "sig", "alg": "EdDSA"}
    return {
        _SIGNING: json.dumps({"keys": [signing]}),
        _ENCRYPTION: new_key(),
        _PSEUDONYM: urlsafe_b64encode(secrets.token_bytes(32)),
    }


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
