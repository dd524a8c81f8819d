"""Keys: the bus signs tokens, encrypts secrets and derives pseudonyms with them.

They lie in one folder (mode 0700), each in its own file (mode 0600). The bus makes all of them together or none. If one key is
lost, the bus must say so. With a new encryption key it could not read its subscriptions' secrets.
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
    # RFC 9864 renames EdDSA with Ed25519 to "Ed25519". Few libraries know the new name, and joserfc warns at each use.
    algorithm = copy.copy(JWSRegistry.algorithms[name])
    algorithm.security_warning = None
    return algorithm


class Signatures(JWSRegistry):
    """The signature algorithms that the bus uses and accepts. No header can make it accept `none` or a symmetric one."""

    algorithms = {name: _silence_warning(name) for name in ("EdDSA", "ES256")}  # noqa: RUF012
    recommended = ["EdDSA", "ES256"]  # noqa: RUF012


ALGORITHMS = tuple(Signatures.recommended)
"""The names of the algorithms in `Signatures`, for metadata documents."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one bus, the same in every process of a fleet.

    Attributes:
        ring: the signing keys, the newest first. The first key signs, and all keys verify. So tokens of an older key stay valid
            after a rotation.
        pseudonym: 32 random bytes, from which the bus derives pseudonyms of persons.
        encryption: the encryption keys, the newest first. The first key encrypts, and all keys decrypt.
    """

    ring: KeySet = field(repr=False)
    pseudonym: bytes = field(repr=False)
    encryption: Encryption = field(repr=False)

    def sign(self, kind: str, claims: Mapping[str, Any]) -> str:
        """A signed JWT with these claims. Its header's `typ` is `kind`."""
        key = self.ring.keys[0]
        header = {"alg": "EdDSA", "typ": kind, "kid": key.kid}
        return jwt.encode(header, dict(claims), key, registry=Signatures())

    def read(self, token: bytes) -> jwt.Token | None:
        """The header and claims of a JWT that one of the bus's keys signed, or None. The claims are not checked here."""
        return verify_jwt(token, self.ring)

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JWK Set (RFC 7517)."""
        return dict(self.ring.as_dict(private=False))

    def encrypt(self, text: str) -> str:
        """The encrypted text. Only `decrypt` of this bus reads it."""
        return self.encryption.encrypt(text)

    def decrypt(self, secret: str) -> str:
        """The text that `encrypt` encrypted.

        Raises:
            Undecryptable: another key encrypted the secret, or the secret was changed.
        """
        return self.encryption.decrypt(secret)


def verify_jwt(token: bytes | str, keys: KeySet) -> jwt.Token | None:
    """The header and claims of a JWT that one of `keys` signed, or None. The claims are not checked here."""
    try:
        return jwt.decode(token, keys, registry=Signatures())
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        # A malformed header, such as `"crit": null` or deeply nested lists, makes joserfc fail with errors of these kinds.
        return None


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


def load_keys(folder: Path) -> Keys:
    """The keys in `folder`.

    Raises:
        KeysMissing: a file of keys is missing or damaged.
        KeysExposed: other users may read or replace the keys, as after a copy that lost the files' modes.
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
    """Add a new signing key and a new encryption key to the keys in `folder`. The pseudonym key stays.

    Args:
        leaked: whether somebody else has the present keys. If so, no earlier signing key stays, and every token ends. Earlier
            encryption keys still decrypt.

    Raises:
        KeysMissing, KeysExposed: see `load_keys`.
    """
    present = load_keys(folder)
    new = _new_keys()
    signing = json.loads(new[_SIGNING])["keys"]
    kept = [] if leaked else present.ring.as_dict(private=True)["keys"][:1]
    encryption = b"\n".join([new[_ENCRYPTION], (folder / _ENCRYPTION).read_bytes()])
    # The signing keys come last. After an interruption between the two, the operator runs the command again.
    for name, content in ((_ENCRYPTION, encryption), (_SIGNING, json.dumps({"keys": [*signing, *kept]}))):
        draft = Path(tempfile.mkdtemp(prefix=".keys-", dir=folder)) / name
        _write(draft, content)
        draft.rename(folder / name)
        draft.parent.rmdir()


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
    key = OKPKey.generate_key("Ed25519")
    # The kid is the thumbprint (RFC 7638), so that it identifies the key in every process.
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
