"""What the webhook sink takes from below aiohttp's public interface: its pool, and its protocol that reads answers.

aiohttp promises none of this. `tests/delivery/sinks/test_aiohttp_inside.py` fails if a version of aiohttp changes it.

This module bounds answers. aiohttp itself bounds lines and fields. It bounds neither the number of informational answers, nor
the bytes that it parses in one turn.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Final, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage
from yarl import URL

from bus.delivery.sinks.status import Answer, salvage

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


class StaleConnection(aiohttp.ClientConnectionError):
    """The sink closed a connection that was kept, before it answered. RFC 9112, 9.3.1: try again on a new one."""


class Key:
    """What a pool knows the connections to one address by.

    Attributes:
        is_https: whether its connections have TLS.
    """

    def __init__(self, url: URL) -> None:
        self.request = aiohttp.ClientRequest("POST", url, loop=asyncio.get_running_loop())
        self.is_https = self.request.is_ssl()


class Connections:
    """The connections to sinks that are open."""

    def __init__(self) -> None:
        self._readers: set[AnswerReader] = set()

    @property
    def open(self) -> int:
        """How many there are."""
        return len(self._readers)

    def add(self, reader: "AnswerReader") -> None:
        """Count a connection, unless it is closed already. A connection is counted once."""
        if reader.is_connected():
            self._readers.add(reader)

    def remove(self, reader: "AnswerReader") -> None:
        """Count a connection no more."""
        self._readers.discard(reader)


class AnswerReader(ResponseHandler):
    """Reads the answers on one connection: one answer to each request, and nothing else."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connections: Connections) -> None:
        super().__init__(loop=loop)
        self._connections = connections
        self._left = HEAD_BYTES
        self._answers = 0
        self._requests = 0
        self._is_answered = False
        self._head = bytearray()

    @property
    def is_used(self) -> bool:
        """Whether the connection had a request."""
        return self._requests > 0

    @property
    def has_begun(self) -> bool:
        """Whether something came that may be the beginning of an answer, and no rest of the answer before."""
        begun = bytes(self._head[:16]).lstrip(b"\r\n")[:5].upper()
        return self._is_answered or (begun != b"" and b"HTTP/".startswith(begun))

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count it no more."""
        self._connections.remove(self)
        super().connection_lost(exc)

    def set_response_params(self, **parameters: Any) -> None:
        """Begin to read the answer to one request."""
        self._left = HEAD_BYTES
        self._answers = 0
        self._requests += 1
        self._is_answered = False
        self._head.clear()
        super().set_response_params(max_headers=FIELDS, **parameters)

    def data_received(self, data: bytes) -> None:
        """Parse what came, step by step, up to the bound."""
        if data and self._is_idle:
            # Nobody may take it for the next request's answer.
            self._break_off()
            return
        if len(data) <= _STEP and len(data) <= self._left:
            self._parse(data)
            return
        for start in range(0, len(data), _STEP):
            if self.transport is None or self.transport.is_closing():
                return
            step = data[start : start + _STEP]
            if len(step) > self._left:
                self._break_off()
                return
            self._parse(step)

    def salvage(self) -> Answer | None:
        """The answer that came, if it is not HTTP as it should be and yet has a status."""
        return salvage(bytes(self._head))

    @property
    def _is_idle(self) -> bool:
        """Whether no request waits for its answer, or for the rest of it."""
        if self._is_answered:
            return self._payload is None or self._payload.is_eof()
        return self._requests == 0

    def _parse(self, data: bytes) -> None:
        self._left -= len(data)
        if not self._is_answered:
            self._head += data
        super().data_received(data)

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
        """Hand an answer to its reader, if it is not one too many."""
        self._answers += 1
        if self._is_answered or self._answers > INFORMATIONAL + 1:
            self._break_off()
            return
        if _is_final(data[0].code):
            self._is_answered = True
            self._head.clear()
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
        self._connections = connections
        self._factory = cast("Any", partial(AnswerReader, loop=self._loop, connections=connections))

    async def open(self, key: Key, limits: aiohttp.ClientTimeout) -> "SinkConnection":
        """A connection, new or kept; `release` or `abort` it.

        Raises:
            aiohttp.ClientError: there is none to be had, `ConnectionTimeoutError` if not in time.
        """
        try:
            connection = SinkConnection(await self.connect(key.request, [], limits), key)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error
        # Not before: uvloop tells no protocol of the end of a connection whose opening is cut.
        self._connections.add(connection.reader)
        return connection

    async def open_new(self, key: Key, limits: aiohttp.ClientTimeout) -> "SinkConnection":
        """A new connection, in place of those that are kept. A sink that closed one of them probably closed the others too.

        Raises:
            aiohttp.ClientError: as `open`.
        """
        while True:
            for protocol, _ in self._conns.pop(key.request.connection_key, ()):
                protocol.abort()
            connection = await self.open(key, limits)
            if not connection.is_kept:
                return connection
            connection.abort()


class SinkConnection:
    """A connection to a sink, for one request."""

    def __init__(self, connection: Connection, key: Key) -> None:
        self._connection = connection
        self._key = key
        self._content: aiohttp.StreamReader | None = None
        self.reader = cast("AnswerReader", connection.protocol)
        self.is_kept = self.reader.is_used

    async def exchange(self, write: Callable[[asyncio.Transport], None]) -> Answer:
        """Have a request written, and read its answer up to the end of the head; `drain` the rest.

        Without an answer, the connection is aborted.

        Raises:
            StaleConnection: the connection was kept, and nothing of an answer came.
            aiohttp.ClientError: the connection broke, or the answer is none, or is too large.
        """
        try:
            return await self._exchange(write)
        except BaseException:
            self.abort()
            raise

    async def _exchange(self, write: Callable[[asyncio.Transport], None]) -> Answer:
        protocol, transport = cast("AnswerReader | None", self._connection.protocol), self._connection.transport
        if protocol is None or transport is None:
            raise StaleConnection if self.is_kept else aiohttp.ServerDisconnectedError
        protocol.set_response_params(read_until_eof=True, auto_decompress=False)
        write(transport)
        try:
            answer, self._content = await protocol.read()
            while not _is_final(answer.code):
                # Informational answers (RFC 9110, 15.2) come before the one that counts.
                answer, self._content = await protocol.read()
        except (HttpProcessingError, aiohttp.ClientError) as error:
            return self._find_answer(protocol, error)
        return Answer(answer.code, answer.headers.get("retry-after"))

    def _find_answer(self, protocol: AnswerReader, error: HttpProcessingError | aiohttp.ClientError) -> Answer:
        """The answer in what came before an error; the connection is not used again."""
        if self.is_kept and not protocol.has_begun:
            raise StaleConnection from error
        if isinstance(error, aiohttp.ClientError):
            raise error
        answer = protocol.salvage()
        if answer is None:
            raise aiohttp.ClientResponseError(self._key.request.request_info, ()) from error
        return answer

    @property
    def has_more(self) -> bool:
        """Whether the answer has a body, and its end has not come yet."""
        return self._content is not None and not self._content.is_eof()

    async def drain(self, most: int) -> bytes:
        """Read the answer's body to its end, so that the connection can be used again. A long or slow body closes it instead.

        The body is never unpacked (bombs). Returns its beginning, at most `most` bytes. If this is cancelled, the connection
        is aborted.
        """
        try:
            return await self._drain(most)
        except BaseException:
            self.abort()
            raise

    async def _drain(self, most: int) -> bytes:
        content, beginning = self._content, b""
        if content is None:
            return beginning
        left = DRAIN_BYTES
        # The status has come and decides; what the body wanted to add does not matter.
        with suppress(aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while left > 0 and (chunk := await content.readany()):
                    left -= len(chunk)
                    beginning += chunk[: most - len(beginning)]
        return beginning

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


def _is_final(status: int) -> bool:
    return not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS
