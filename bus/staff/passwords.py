"""Passwords of staff: argon2id with the library's parameters, which follow RFC 9106.

People choose passwords, so the hash is slow and large. Bound how many run at once: each takes 64 MiB.
"""

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bus.staff.errors import PasswordRefused

_SHORTEST: Final = 12
"""NIST SP 800-63B-4, section 3.1.1.2, asks for 8 beside a second factor. Length helps more than a rule about signs."""
_LONGEST: Final = 128
_HASHER: Final = PasswordHasher()
_NOBODYS: Final = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""The hash of no password. To check it takes as long as to check somebody's."""


def check_password(password: str, account: str) -> None:
    """Refuse a password that others could guess.

    Raises:
        PasswordRefused: see the class.
    """
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise PasswordRefused(f"A password has {_SHORTEST} to {_LONGEST} characters.")
    if account in password.lower() or len(set(password)) < _SHORTEST // 3:
        raise PasswordRefused("Choose a password without the account's name, and with more than a few different signs.")


def hash_password(password: str) -> str:
    """The hash to store for a password. It is slow."""
    return _HASHER.hash(password.encode("utf-8", "surrogatepass"))


def fits(password: str, stored: str | None) -> bool:
    """Whether a stored hash belongs to a password. None, for no account, takes as long and fits nothing."""
    try:
        _HASHER.verify(stored or _NOBODYS, password[: _LONGEST + 1].encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
