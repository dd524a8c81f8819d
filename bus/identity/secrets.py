"""Client secrets: kept as digests, so that a copy of the database lets nobody in.

The bus makes every secret of 256 random bits, which nobody guesses: one hash keeps it (NIST SP 800-63B-4, section 3.1.2.2,
asks for a slow one below 112 bits). A slow hash would be work that anybody could make the bus do.
"""

import hmac
from hashlib import sha256
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

_MARK: Final = "sha256:"
_CONTEXT: Final = b"bus client secret\0"


def make_digest(secret: str) -> str:
    """What to keep of a secret."""
    return _MARK + sha256(_CONTEXT + secret.encode("utf-8", "surrogatepass")).hexdigest()


def fits(secret: str, digest: str) -> bool:
    """Whether `digest` was kept of `secret`; False for an old hash. In constant time."""
    return hmac.compare_digest(make_digest(secret).encode(), digest.encode())


def is_old(digest: str) -> bool:
    """Whether the digest is an argon2 hash, as the bus kept them once; the next login of its client replaces it."""
    return not digest.startswith(_MARK)


def fits_old(secret: str, digest: str) -> bool:
    """Whether an argon2 hash was made of `secret`. It takes tens of milliseconds and 64 MiB: bound how many run at once."""
    try:
        return PasswordHasher().verify(digest, secret)
    except VerifyMismatchError:
        return False
