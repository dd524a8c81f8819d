"""Passwords of staff: argon2id with the library's parameters, which follow RFC 9106.

People choose passwords, so the hash is slow and large. Bound how many run at once: each takes 64 MiB.
"""

import secrets
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bus.staff.errors import PasswordRefused

_SHORTEST: Final = 12
"""NIST SP 800-63B-4, section 3.1.1.2, asks for 8 beside a second factor. Length helps more than a rule about signs."""
_LONGEST: Final = 128
_FEWEST_SIGNS: Final = 4


def check_password(password: str, account: str) -> None:
    """Refuse a password that others could guess.

    Raises:
        PasswordRefused: see the class.
    """
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise PasswordRefused(f"A password has {_SHORTEST} to {_LONGEST} characters.")
    if account in password.lower() or len(set(password)) < _FEWEST_SIGNS:
        raise PasswordRefused("Choose a password without the account's name, and with more than a few different signs.")


class Passwords:
    """Makes and checks hashes. Any thread may call it."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Take what hashes; None: argon2id with the library's parameters."""
        self._hasher = hasher or PasswordHasher()

    def hash(self, password: str) -> str:
        """The hash to store for a password. It is slow."""
        return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def fits(self, password: str, stored: str | None) -> bool:
        """Whether a stored hash belongs to a password. None, for no account, takes as long and fits nothing."""
        try:
            self._hasher.verify(stored or self._nobodys, password[: _LONGEST + 1].encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    @cached_property
    def _nobodys(self) -> str:
        """The hash of a password that nobody has. To check it takes as long as to check somebody's."""
        return self.hash(secrets.token_urlsafe())
