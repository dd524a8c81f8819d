"""The intake of one request's body: finds its end, and bounds the bytes around its chunks."""

from typing import Final

from bus.http.front_door.refusals import RequestMalformed
from bus.http.front_door.request import HeadParser, Request

_MOST_BETWEEN: Final = 16 * 1024
"""Bytes of chunk sizes, extensions and trailers without a byte of the body between them."""
_MOST_AROUND: Final = 64 * 1024
"""Bytes of chunk sizes, extensions and trailers that a body may have beyond its own length."""


class Intake:
    """Finds the end of a body, by its length or by its chunks.

    Attributes:
        request: the request of the body.
        got: bytes of the body so far.
        is_whole: whether the body has ended.
        has_lost_its_place: whether bytes came behind the last chunk. httptools does not say where the chunk ended. So the
            connection cannot have a further request.
    """

    __slots__ = ("_around", "_between", "_chunks", "_missing", "got", "has_lost_its_place", "is_whole", "request")

    def __init__(self, request: Request, parser: HeadParser) -> None:
        """`parser` has read the request's head."""
        self.request = request
        self._chunks = parser if request.length is None else None
        self._missing = request.length or 0
        self._around = self._between = 0
        self.got = 0
        self.is_whole = request.length == 0
        self.has_lost_its_place = False

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """The part of the body in some data, and the bytes behind the body's end.

        Raises:
            RequestMalformed: the chunks are malformed, or have too many bytes around them.
        """
        if self._chunks is not None:
            return self._take_chunks(self._chunks, data), b""
        piece, rest = (data, b"") if len(data) <= self._missing else (data[: self._missing], data[self._missing :])
        self._missing -= len(piece)
        self.got += len(piece)
        self.is_whole = not self._missing
        return piece, rest

    def _take_chunks(self, chunks: HeadParser, data: bytes) -> bytes:
        piece = chunks.body(data)
        around = len(data) - len(piece)
        self.got += len(piece)
        self._around += around
        self._between = 0 if piece else self._between + around
        if self._between > _MOST_BETWEEN or self._around > self.got + _MOST_AROUND:
            raise RequestMalformed("The body's chunks are too small; send larger chunks.")
        self.is_whole, self.has_lost_its_place = chunks.is_complete, chunks.has_more
        return piece
