"""Encryption of stored secrets: AES-256-GCM, and Fernet for secrets that an earlier version stored.

A stored secret begins with the version of its form. A key is one line of a file; the line begins with the key's algorithm.
"""

import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bus.problem import Refused

_ALGORITHM: Final = b"aes-256-gcm:"
_FORM: Final = "v2."
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
"""NIST SP 800-38D, 8.2: 96 random bits serve for 2^32 secrets of one key. A bus has thousands."""
_DERIVED_FOR: Final = b"bus: stored secrets, AES-256-GCM"


class Undecryptable(Refused):
    """A stored secret was encrypted with another key; restore the keys that belong to this database."""

    status = 500
    slug = "undecryptable"


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """One key.

    Attributes:
        cipher: encrypts and decrypts.
        earlier: decrypts secrets that an earlier version encrypted with this key. None: the key is newer than that version.
        begins: when it begins to encrypt, in seconds since 1970 in UTC.
    """

    cipher: AESGCM
    earlier: Fernet | None
    begins: float = 0


class Encryption:
    """Encrypts with the newest key that has begun, and decrypts with all keys."""

    def __init__(self, keys: Sequence[EncryptionKey], now: Callable[[], float] = time.time) -> None:
        """Take the keys, the newest first.

        Raises:
            ValueError: there is no key.
        """
        if not keys:
            raise ValueError("no encryption key")
        self._keys = tuple(keys)
        self._now = now

    def encrypt(self, text: str) -> str:
        """The encrypted text. Only `decrypt` with the same key reads it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._find_current().cipher.encrypt(nonce, text.encode(), _FORM.encode())
        return _FORM + urlsafe_b64encode(nonce + sealed).decode()

    def decrypt(self, secret: str) -> str:
        """The text that this version or an earlier one encrypted.

        Raises:
            Undecryptable: another key encrypted the secret, or the secret was changed.
        """
        for key in self._keys:
            text = _try_decrypt(secret, key)
            if text is not None:
                return text
        raise Undecryptable("A stored secret does not fit the bus's encryption key.")

    def is_current(self, secret: str) -> bool:
        """Whether the key that encrypts now encrypted a secret, in this version's form."""
        return secret.startswith(_FORM) and _try_decrypt(secret, self._find_current()) is not None

    def _find_current(self) -> EncryptionKey:
        now = self._now()
        return next((key for key in self._keys if key.begins <= now), self._keys[-1])


def new_key(begins: int = 0) -> bytes:
    """A new key, as a line for `read_keys`.

    Args:
        begins: when it begins to encrypt, in seconds since 1970 in UTC; 0: at once.
    """
    line = _ALGORITHM + urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES))
    return line + b":%d" % begins if begins else line


def read_keys(content: bytes, now: Callable[[], float] = time.time) -> Encryption:
    """The keys of a file, one a line, the newest first.

    Raises:
        ValueError: a line is no key, or there is no line.
    """
    return Encryption([_read_key(line) for line in content.split()], now)


def _read_key(line: bytes) -> EncryptionKey:
    if line.startswith(_ALGORITHM):
        text, _, begins = line.removeprefix(_ALGORITHM).partition(b":")
        key = urlsafe_b64decode(text)
        if len(key) != _KEY_BYTES:
            raise ValueError("an AES-256 key has 32 bytes")
        return EncryptionKey(AESGCM(key), None, int(begins or 0))
    # A key of an earlier version. It encrypts in the new form too, so that the keys need not change with the version.
    # Its 256 bits are random; HKDF (RFC 5869) keeps the two uses apart.
    earlier = Fernet(line)
    derived = HKDF(SHA256(), _KEY_BYTES, salt=None, info=_DERIVED_FOR).derive(urlsafe_b64decode(line))
    return EncryptionKey(AESGCM(derived), earlier)


def _try_decrypt(secret: str, key: EncryptionKey) -> str | None:
    """The text of a secret; None if this key did not encrypt it."""
    try:
        if not secret.startswith(_FORM):
            return None if key.earlier is None else key.earlier.decrypt(secret.encode()).decode()
        encoded = secret.removeprefix(_FORM).encode()
        sealed = urlsafe_b64decode(encoded)
        if urlsafe_b64encode(sealed) != encoded:
            # Base64 ignores some bits and characters. A text with such a change must not pass.
            return None
        return key.cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _FORM.encode()).decode()
    except (InvalidToken, InvalidTag, ValueError):
        return None
