"""Sealed cursors: the bus alone reads and writes them.

A plain cursor tells its position, and anybody can write one. In a list by key, somebody could write a cursor at a hidden record's
position. The next page would tell between which shown keys the hidden key is. In a list by position, written cursors do no harm.
But a cursor that the bus writes behind a hidden event would tell when it came.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bus.http.cursors import refuse_cursor

_NONCE_BYTES: Final = 12
_MARK: Final = "~"
"""Begins a sealed cursor of feeds and records. No plain cursor holds it."""
_PADDED: Final = 64
"""Bytes. Plain cursors are padded to a multiple: their length would tell how long the journal is."""


def make_cursor_key(secret: bytes, contract: str, participant: str) -> bytes:
    """The key of 256 bits for one participant's cursors of one contract. It stays the same as long as the bus's secret."""
    return hmac.digest(secret, f"cursors\0{contract}\0{participant}".encode(), "sha256")


def is_sealed(cursor: str) -> bool:
    """Whether a cursor of feeds or records is sealed. Consumers also hold plain ones."""
    return cursor.startswith(_MARK)


def seal_cursor(key: bytes, cursor: str) -> str:
    """A plain cursor, sealed. The same place always has the same cursor: consumers see by it that they are at the end."""
    text = cursor.ljust(-(-len(cursor) // _PADDED) * _PADDED).encode()
    return _MARK + _seal(key, text, hmac.digest(key, text, "sha256")[:_NONCE_BYTES])


def unseal_cursor(key: bytes, sealed: str) -> str:
    """The plain cursor in a sealed one.

    Raises:
        CursorInvalid: the bus did not write it for this participant and contract.
    """
    return _unseal(key, sealed.removeprefix(_MARK)).decode().rstrip()


def seal_pair(key: bytes, pair: tuple[int, int]) -> str:
    """The cursor behind two positions.

    Args:
        key: of 256 bits, of the list and its reader.
    """
    return _seal(key, "{}.{}".format(*pair).encode(), secrets.token_bytes(_NONCE_BYTES))


def unseal_pair(key: bytes, cursor: str) -> tuple[int, int]:
    """The two positions of a cursor.

    Raises:
        CursorInvalid: the bus did not write it for this list and reader.
    """
    first, second = map(int, _unseal(key, cursor).split(b"."))
    return first, second


def _seal(key: bytes, text: bytes, nonce: bytes) -> str:
    return _encode(nonce + AESGCM(key).encrypt(nonce, text, None))


def _unseal(key: bytes, cursor: str) -> bytes:
    try:
        sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        if cursor != _encode(sealed):
            # Base64 ignores some bits and characters. A cursor with such a change must not pass.
            raise ValueError
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
    except (InvalidTag, ValueError):
        raise refuse_cursor() from None


def _encode(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).decode().rstrip("=")
