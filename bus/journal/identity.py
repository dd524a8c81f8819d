"""What makes two publications the same event: who says it, its source and its id; and what makes them say the same."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from bus import json

_UNTOLD: Final = frozenset({"traceparent", "tracestate"})
"""What a retry may change without becoming another event."""
_LONGEST_ID: Final = 40
_DIGESTED: Final = b"\xff"
"""Begins no UTF-8 text, so that an id's digest is no other id."""


def identity_of(participant: str, source: str, event_id: str) -> bytes:
    """Names (participant, source, id) in at most 52 bytes.

    Ids of one source stand beside each other in the order of their text: apps count their ids up, or let them begin with
    the time, so that the database's unique index is written at one place and not at as many as there are events.
    """
    text = event_id.encode()
    if len(text) > _LONGEST_ID:
        text = _DIGESTED + blake2b(text, digest_size=20).digest()
    return _sender(participant, source) + text


def content_of(event: Mapping[str, Any], body: bytes) -> bytes:
    """A digest of what an event says, in 16 bytes.

    Args:
        event: the CloudEvents JSON document.
        body: the same as `json.canonical` writes it.
    """
    if not _UNTOLD.isdisjoint(event):
        body = json.canonical({k: v for k, v in event.items() if k not in _UNTOLD})
    return blake2b(body, digest_size=16).digest()


@lru_cache(maxsize=4096)
def _sender(participant: str, source: str) -> bytes:
    return blake2b(f"{participant}\x00{source}".encode(), digest_size=12).digest()
