"""Heads of publishing requests: what the header fields say, and those that were read before.

A client's heads differ in their content-length alone, and often not in that. To look one up takes a fifth of the time that it
takes to read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

_END: Final = b"\r\n\r\n"
_MOST: Final = 2048
"""Heads that are kept, of some 1 kB each."""
_TELLING: Final = frozenset((b"traceparent", b"ce-id"))
"""Fields that are another with each request, so that such a head never comes again."""


class Mode(StrEnum):
    """How a request carries events (CloudEvents HTTP binding 1.0.2, section 3)."""

    STRUCTURED = "application/cloudevents+json"
    BATCH = "application/cloudevents-batch+json"
    BINARY = "binary"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Head:
    """A head's header fields, and what they say.

    Attributes:
        fields: names in lower case.
        length: of the body, in bytes; None where no content-length says it.
        authorization: the field's value; empty where it is missing.
        traceparent: the publisher's trace (W3C Trace Context), as it came.
    """

    fields: Mapping[bytes, bytes]
    length: int | None
    authorization: bytes
    mode: Mode
    traceparent: str | None

    @classmethod
    def of(cls, fields: Mapping[bytes, bytes]) -> "Head":
        """What header fields say."""
        length = fields.get(b"content-length", b"")
        traceparent = fields.get(b"traceparent")
        return cls(
            fields,
            int(length) if length.isdigit() else None,
            fields.get(b"authorization", b""),
            _mode(fields),
            None if traceparent is None else traceparent.decode("latin-1"),
        )


class Heads:
    """What the parser made of whole heads, from the request line to the empty line."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}

    def read(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and the body of a request, if data hold nothing else and its head is known."""
        text, _, body = data.partition(_END)
        head = self._known.get(text)
        return (head, body) if head is not None and head.length == len(body) else None

    def keep(self, data: bytes, head: Head) -> None:
        """Remember what a request's head was read as, if data hold that request and nothing else."""
        text, _, body = data.partition(_END)
        # Of several requests in the same data, what stands behind the first head is longer than any one's body.
        if head.length == len(body) and _TELLING.isdisjoint(head.fields):
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[text] = head


def _mode(fields: Mapping[bytes, bytes]) -> Mode:
    media_type = _media_type(fields.get(b"content-type", b""))
    if media_type in (Mode.STRUCTURED, Mode.BATCH):
        return Mode(media_type)
    return Mode.BINARY if b"ce-specversion" in fields else Mode.NONE


@lru_cache(128)
def _media_type(field: bytes) -> str:
    return field.partition(b";")[0].strip().lower().decode("latin-1")
