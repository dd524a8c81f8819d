"""Digests of links and sessions: a copy of the database opens neither.

Links and sessions have 256 random bits, which nobody can guess. So a fast hash protects them.
"""

from hashlib import sha256
from typing import Final

_CONTEXT: Final = b"bus staff\0"


def digest(secret: str) -> str:
    """What is stored of a link's or session's secret."""
    return sha256(_CONTEXT + secret.encode("utf-8", "surrogatepass")).hexdigest()
