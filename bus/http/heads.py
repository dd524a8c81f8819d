"""Heads of publishing requests: reads their header fields, and remembers heads that were read before.

A client's heads differ in their content-length at most. A look-up is faster than reading the head again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from bus.http.unpacking import is_packed

_END: Final = b"\r\n\r\n"
_MOST_BYTES: Final = 1024 * 1024
"""Bytes of the texts of all kept heads. The values that they were read as take about twice as much."""
_LONGEST: Final = 4096
"""Bytes of the longest head that is kept. A usual head has about 1 kB."""
_TELLING: Final = frozenset((b"traceparent", b"ce-id"))
"""Fields whose values differ in each request: a head with one of them never comes again."""


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
        length: of the body as it is read, in bytes; None where no content-length says it.
        authorization: the field's value; empty where it is missing.
        traceparent: the publisher's trace (W3C Trace Context), as it came.
        coding: in which the body comes (Content-Encoding); empty where it comes as it is.
        accept: the forms of the answer that the publisher takes; empty where it does not say.
    """

    fields: Mapping[bytes, bytes]
    length: int | None
    authorization: bytes
    mode: Mode
    traceparent: str | None
    coding: bytes = b""
    accept: str = ""

    @classmethod
    def of(cls, fields: Mapping[bytes, bytes]) -> "Head":
        """The head that has these header fields."""
        length = fields.get(b"content-length", b"")
        traceparent = fields.get(b"traceparent")
        coding = fields.get(b"content-encoding", b"")
        is_plain = not coding or not is_packed(coding)
        return cls(
            fields,
            int(length) if is_plain and length.isdigit() else None,
            fields.get(b"authorization", b""),
            _read_mode(fields),
            None if traceparent is None else traceparent.decode("latin-1"),
            b"" if is_plain else coding,
            fields.get(b"accept", b"").decode("latin-1"),
        )


class Heads:
    """Heads of publishing requests that were read before, by their texts. Bounded in bytes."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        self._bytes = 0

    @property
    def size(self) -> int:
        """Bytes of the texts that are kept."""
        return self._bytes

    def read(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and the body of a request. None: the head is not known, or the data hold something else too."""
        text, _, body = data.partition(_END)
        head = self._known.get(text)
        return (head, body) if head is not None and head.length == len(body) else None

    def keep(self, text: bytes, head: Head) -> None:
        """Remember what a head was read as.

        Args:
            text: the head without its empty line.
        """
        if len(text) > _LONGEST or text in self._known or not _TELLING.isdisjoint(head.fields):
            return
        if self._bytes + len(text) > _MOST_BYTES:
            self._known.clear()
            self._bytes = 0
        self._known[text] = head
        self._bytes += len(text)


def _read_mode(fields: Mapping[bytes, bytes]) -> Mode:
    media_type = _read_media_type(fields.get(b"content-type", b""))
    if media_type in (Mode.STRUCTURED, Mode.BATCH):
        return Mode(media_type)
    return Mode.BINARY if b"ce-specversion" in fields else Mode.NONE


@lru_cache(128)
def _read_media_type(field: bytes) -> str:
    return field.partition(b";")[0].strip().lower().decode("latin-1")
