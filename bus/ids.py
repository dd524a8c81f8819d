"""Identifiers and secrets, all of them random. Nobody can guess them, and they have no order in time."""

import secrets
from base64 import b32encode


def new_id(prefix: str) -> str:
    """A new identifier such as `sub_k3v5…`: a prefix that names its kind, and 100 random bits."""
    return f"{prefix}_{b32encode(secrets.token_bytes(15)).decode().lower()[:20]}"


def new_secret() -> str:
    """A secret of 256 random bits, safe in URLs and headers."""
    return secrets.token_urlsafe(32)
