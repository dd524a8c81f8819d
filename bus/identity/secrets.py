"""Client secrets: the bus stores only their digests, so that a copy of the database lets nobody in.

Every secret has 256 random bits, which nobody can guess, so a fast hash protects it. NIST SP 800-63B-4, section 3.1.2.2, asks
for a slow hash only below 112 bits. With a slow hash, anybody could cause much work.
"""

import hmac
from hashlib import sha256
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

_MARK: Final = "sha256:"
_CONTEXT: Final = b"bus client secret\0"
NO_SECRET: Final = f"{_MARK}none"
"""What is stored for a client without a secret: the digest of no secret."""


def make_digest(secret: str) -> str:
    """The digest to store for a secret."""
    return _MARK + sha256(_CONTEXT + secret.encode("utf-8", "surrogatepass")).hexdigest()


def fits(secret: str, digest: str) -> bool:
    """Whether `digest` is the digest of `secret`; False for an old hash. The comparison takes constant time."""
    return hmac.compare_digest(make_digest(secret).encode(), digest.encode())


def is_old(digest: str) -> bool:
    """Whether the digest is an argon2 hash of an earlier version. The client's next login replaces it."""
    return not digest.startswith(_MARK)


def fits_old(secret: str, digest: str) -> bool:
    """Whether an argon2 hash belongs to `secret`. The check is slow and takes 64 MiB: bound how many run at once."""
    try:
        return PasswordHasher().verify(digest, secret)
    except VerifyMismatchError:
        return False
