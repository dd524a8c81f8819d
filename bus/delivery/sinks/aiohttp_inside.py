"""What the webhook sink takes from below aiohttp's public interface: its pool, and its protocol that reads answers.

aiohttp promises none of this. `tests/delivery/sinks/test_aiohttp_inside.py` fails if a version of aiohttp changes it.

This module bounds answers. aiohttp bounds lines and fields. It does not bound informational answers before the final one, nor the
bytes that it parses in one turn of the event loop.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Final, NamedTuple, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage
from yarl import URL

HEAD_BYTES: Final = 32 * 1024
"""Of everything up to the end of the final answer's head."""
DRAIN_BYTES: Final = 64 * 1024
"""Of an answer's body that are read away, so that its connection can be used again."""
DRAIN_SECONDS: Final = 1.0
INFORMATIONAL: Final = 8
"""Answers of status 1xx before the one that counts (RFC 9110, 15.2)."""
FIELDS: Final = 100

_STEP: Final = 4096
"""Bytes parsed at once: what is behind the bound in them is little."""


class AnswerTooLarge(HttpProcessingError):
    """A sink's answer went beyond the bounds; it is broken off."""


class Answer(NamedTuple):
    """What the bus looks at in a sink's answer.

    Attributes:
        retry_after: the header field, as it came.
    """

    status: int
    retry_after: str | None


class Key:
    """What a pool knows the connections to one address by."""

    def __init__(self, url: URL) -> None:
        self.request = aiohttp.ClientRequest("POST", url, loop=asyncio.get_running_loop())

    @property
    def is_https(self) -> bool:
        """Whether its connections have TLS."""
        return self.request.is_ssl()


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

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
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


class Pool(aiohttp.TCPConnector):
    """aiohttp's pool of connections, with our reader of answers."""

    def __init__(self, connections: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast("Any", partial(AnswerReader, loop=self._loop, connections=connections))

    async def open(self, key: Key, limits: aiohttp.ClientTimeout) -> "SinkConnection":
        """A connection, new or kept; `release` or `abort` it.

        Raises:
            aiohttp.ClientError: there is none to be had, `ConnectionTimeoutError` if not in time.
        """
        try:
            return SinkConnection(await self.connect(key.request, [], limits), key)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error


class SinkConnection:
    """A connection to a sink, for one request."""

    def __init__(self, connection: Connection, key: Key) -> None:
        self._connection = connection
        self._key = key

    async def exchange(self, write: Callable[[asyncio.Transport], None]) -> Answer:
        """Have a request written, and read its answer.

        The answer's body is read away, never unpacked (bombs) and never looked at.

        Raises:
            aiohttp.ClientError: the connection broke, or the answer is none, or is too large.
        """
        protocol, transport = self._connection.protocol, self._connection.transport
        if protocol is None or transport is None:
            raise aiohttp.ServerDisconnectedError
        protocol.set_response_params(read_until_eof=True, auto_decompress=False)
        write(transport)
        try:
            answer, content = await _read(protocol)
        except HttpProcessingError as error:
            raise aiohttp.ClientResponseError(self._key.request.request_info, ()) from error
        if not content.is_eof():
            await _drain(content)
        return Answer(answer.code, answer.headers.get("retry-after"))

    def release(self) -> None:
        """Keep the connection for the next request if it can be used again, else abort it."""
        protocol, transport = self._connection.protocol, self._connection.transport
        # An answer may come before the sink has read the request. The rest of the body would wait in memory.
        is_sent = transport is not None and not transport.get_write_buffer_size()
        if protocol is None or protocol.should_close or not is_sent:
            self.abort()
        else:
            self._connection.release()

    def abort(self) -> None:
        """End the connection at once. An orderly close would first wait until the sink has read everything."""
        if self._connection.protocol is not None:
            self._connection.protocol.abort()
        self._connection.close()


async def _read(protocol: ResponseHandler) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
    while True:
        answer, content = await protocol.read()
        # Informational answers (RFC 9110, 15.2) come before the one that counts.
        if not 100 <= answer.code < 200 or answer.code == HTTPStatus.SWITCHING_PROTOCOLS:
            return answer, content


async def _drain(content: aiohttp.StreamReader) -> None:
    """Read the answer's body away, so that the connection can be used again; of a long or slow one it is closed instead."""
    left = DRAIN_BYTES
    # The status has come and decides; what the body wanted to add does not matter.
    with suppress(aiohttp.ClientError, TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0 and (chunk := await content.readany()):
                left -= len(chunk)
