"""Answers of sinks: read by aiohttp's protocol, with a bound on what one answer may hold.

aiohttp bounds lines and fields. It bounds neither the informational answers before the one that counts, nor what it parses in
one turn of the event loop.
"""

import asyncio
from typing import Any, Final

from aiohttp import StreamReader
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage

HEAD_BYTES: Final = 32 * 1024
"""Of everything up to the end of the final answer's head."""
DRAIN_BYTES: Final = 64 * 1024
"""Of an answer's body that are read away, so that its connection can be used again."""
INFORMATIONAL: Final = 8
"""Answers of status 1xx before the one that counts (RFC 9110, 15.2)."""
FIELDS: Final = 100

_STEP: Final = 4096
"""Bytes parsed at once: what is behind the bound in them is little."""


class AnswerTooLarge(HttpProcessingError):
    """A sink's answer went beyond the bounds; it is broken off."""


class Connections:
    """How many connections to sinks are open."""

    def __init__(self) -> None:
        self.open = 0


class AnswerReader(ResponseHandler):
    """Reads the answers on one connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connections: Connections) -> None:
        super().__init__(loop=loop)
        self._connections = connections
        self._left = HEAD_BYTES
        self._answers = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        self._connections.open += 1
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count it no more."""
        self._connections.open -= 1
        super().connection_lost(exc)

    def set_response_params(self, **parameters: Any) -> None:
        """Begin to read the answer to one request."""
        self._left = HEAD_BYTES
        self._answers = 0
        super().set_response_params(max_headers=FIELDS, **parameters)

    def data_received(self, data: bytes) -> None:
        """Parse what came, step by step, up to the bound."""
        if len(data) <= _STEP and len(data) <= self._left:
            self._left -= len(data)
            super().data_received(data)
            return
        for start in range(0, len(data), _STEP):
            if self.transport is None or self.transport.is_closing():
                return
            step = data[start : start + _STEP]
            self._left -= len(step)
            if self._left < 0:
                self._break_off()
                return
            super().data_received(step)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Hand an answer to its reader, if it is not one too many."""
        self._answers += 1
        if self._answers > INFORMATIONAL + 1:
            self._break_off()
            return
        if not 100 <= data[0].code < 200:
            self._left += DRAIN_BYTES
        super().feed_data(data, size)

    def _break_off(self) -> None:
        if self.exception() is None:
            self.set_exception(AnswerTooLarge(message="too large"))
        if self.transport is not None:
            self.transport.abort()
