"""Sealed cursors: the bus alone reads and writes them.

A plain cursor tells its position, and anybody can write one. In a list by position that does no harm. In a list by key, somebody
could write a cursor at a hidden record's position. The next page would tell between which shown keys the hidden key is.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bus.http.cursors import CursorInvalid

_NONCE_BYTES: Final = 12


def seal_pair(key: bytes, pair: tuple[int, int]) -> str:
    """The cursor behind two positions.

    Args:
        key: of 256 bits, of the list and its reader.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, "{}.{}".format(*pair).encode(), None)
    return _encode(nonce + sealed)


def unseal_pair(key: bytes, cursor: str) -> tuple[int, int]:
    """The two positions of a cursor.

    Raises:
        CursorInvalid: the bus did not write it for this list and reader.
    """
    try:
        sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        if cursor != _encode(sealed):
            # Base64 ignores some bits and characters. A cursor with such a change must not pass.
            raise ValueError
        text = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        first, second = map(int, text.split(b"."))
    except (InvalidTag, ValueError):
        raise CursorInvalid("This is no cursor of this list; begin without one.") from None
    return first, second


def _encode(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).decode().rstrip("=")
