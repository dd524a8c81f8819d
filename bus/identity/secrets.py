"""Client secrets: kept as argon2 hashes, so that a copy of the database lets nobody in."""

import threading
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from bus.ids import new_secret

_AT_ONCE = 2
"""One hash takes 64 MiB and four lanes for some tens of milliseconds: more at once would starve the publishers."""


class SecretHasher:
    """Hashes and checks secrets, at most two at once in a process; call it from a thread, never on the event loop."""

    def __init__(self) -> None:
        self._argon2 = PasswordHasher()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    @cached_property
    def nobodys(self) -> str:
        """The hash of a secret that nobody knows: checking against it costs what a known client's check costs."""
        return self.hash(new_secret())

    def hash(self, secret: str) -> str:
        """What to keep of a secret."""
        with self._turns:
            return self._argon2.hash(secret)

    def fits(self, secret: str, kept: str) -> bool:
        """Whether `kept` was made of `secret`."""
        with self._turns:
            try:
                return self._argon2.verify(kept, secret)
            except VerifyMismatchError:
                return False
