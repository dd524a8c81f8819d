"""The seal of kept answers: two layers of AES-256-GCM, one with the bus's key and one with the client's Idempotency-Key.

The bus keeps no Idempotency-Key. Whoever has the database and the bus's keys needs the client's key as well. Without it nobody
reads an answer, or the secret in it.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bus.identity import Keys

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_DIGEST_BYTES: Final = 16
_DERIVED_FOR: Final = b"bus: kept answers, AES-256-GCM"


def make_digest(client_id: str, key: str) -> bytes:
    """Names an Idempotency-Key of a client in the database."""
    return blake2b(f"{client_id}\0{key}".encode(), digest_size=_DIGEST_BYTES).digest()


def seal(keys: Keys, client_id: str, key: str, text: bytes) -> str:
    """The text, encrypted. `unseal` needs the same bus, client and Idempotency-Key."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = _make_cipher(client_id, key).encrypt(nonce, text, None)
    return keys.encrypt(urlsafe_b64encode(nonce + sealed).decode())


def unseal(keys: Keys, client_id: str, key: str, sealed: str) -> bytes | None:
    """The text that `seal` encrypted; None if another Idempotency-Key did.

    Raises:
        Undecryptable: another bus encrypted it.
    """
    content = urlsafe_b64decode(keys.decrypt(sealed))
    try:
        return _make_cipher(client_id, key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], None)
    except InvalidTag:
        return None


def _make_cipher(client_id: str, key: str) -> AESGCM:
    derived = HKDF(SHA256(), _KEY_BYTES, salt=client_id.encode(), info=_DERIVED_FOR).derive(key.encode())
    return AESGCM(derived)
