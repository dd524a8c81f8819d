"""Challenges: random texts that a browser or an identity provider sends back, each of which counts once.

Promise: a challenge is bound to one browser and one purpose, ends after a while, and is used once. A challenge that nobody used
is stored nowhere, so strangers fill no table. The bus knows its own challenges by a code that only its keys make.
"""

import hmac
import secrets
import struct
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from bus import clock
from bus.identity import Keys
from bus.staff.digest import digest
from bus.staff.errors import ChallengeUnusable
from bus.staff.tables import STAFF_CHALLENGES
from bus.storage import RowConflict, Storage

_CONTEXT: Final = b"bus staff challenge\0"
_LIFE: Final = timedelta(minutes=15)
_END: Final = struct.Struct(">Q")
_RANDOM_BYTES: Final = 16
_CODE_BYTES: Final = 32


class Challenges:
    """Makes and uses challenges. Any thread may call it."""

    def __init__(self, storage: Storage, keys: Keys) -> None:
        self._storage = storage
        self._keys = keys

    def make(self, purpose: str, bound: str) -> bytes:
        """A new challenge.

        Args:
            purpose: what it proves, such as `passkey`.
            bound: the value of the browser's cookie.
        """
        head = _END.pack(clock.micros(clock.now() + _LIFE)) + secrets.token_bytes(_RANDOM_BYTES)
        return head + self._sign(head, purpose, bound)

    def check(self, challenge: bytes, purpose: str, bound: str) -> None:
        """Refuse a challenge that the bus did not make for this purpose and browser, or that has ended.

        Raises:
            ChallengeUnusable: see the class.
        """
        head, code = challenge[:-_CODE_BYTES], challenge[-_CODE_BYTES:]
        if not bound or len(head) != _END.size + _RANDOM_BYTES:
            raise ChallengeUnusable("This is no challenge of the bus.")
        is_ours = hmac.compare_digest(code, self._sign(head, purpose, bound))
        if not is_ours or _read_end(challenge) <= clock.now():
            raise ChallengeUnusable("The challenge is another browser's, or it has ended.")

    def use(self, challenge: bytes) -> None:
        """Note that a challenge was used.

        Raises:
            ChallengeUnusable: it was used before.
        """
        values = {"digest": digest(challenge.hex()), "ends_at": clock.micros(_read_end(challenge))}
        try:
            with self._storage.write() as transaction:
                ended = STAFF_CHALLENGES.c.ends_at < clock.micros(clock.now())
                transaction.execute(sa.delete(STAFF_CHALLENGES).where(ended))
                transaction.execute(sa.insert(STAFF_CHALLENGES).values(**values))
        except RowConflict:
            raise ChallengeUnusable("The challenge was used before.") from None

    def derive(self, challenge: bytes, purpose: str) -> bytes:
        """32 secret bytes that belong to a challenge. Nobody else can compute them from it."""
        return self._sign(challenge, purpose, "")

    def _sign(self, head: bytes, purpose: str, bound: str) -> bytes:
        message = b"\0".join((head.hex().encode(), purpose.encode(), bound.encode("utf-8", "surrogatepass")))
        return hmac.digest(self._keys.pseudonym, _CONTEXT + message, "sha256")


def read_birth(challenge: bytes) -> datetime:
    """When the bus made a challenge."""
    return _read_end(challenge) - _LIFE


def _read_end(challenge: bytes) -> datetime:
    (micros,) = _END.unpack(challenge[: _END.size])
    return clock.moment(micros)
