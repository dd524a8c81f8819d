"""The webhook sink: posts CloudEvents to an app's own endpoint, over https.

Names, TLS, connections, their pool and the parsing of answers are aiohttp's. The request is written here: what goes out is
the same head every time but for four lines, and to have it built anew by aiohttp's session costs as much again as all else
(measured: 65 µs a request through the session, 29 so).
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage
from yarl import URL

from bus import clock
from bus.delivery import failure, retry
from bus.delivery.address import Network
from bus.delivery.sinks.answer import DRAIN_BYTES, Connections
from bus.delivery.sinks.burst import Burst
from bus.delivery.sinks.connection import Resolver, connector
from bus.delivery.sinks.places import Flow, Place, Places, usual_places
from bus.kit import Outcome

CONNECT_SECONDS: Final = 5.0
DRAIN_SECONDS: Final = 1.0

_TARGETS: Final = 4096
"""Sinks whose heads are kept."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


def trace_headers(traceparent: object) -> dict[str, str]:
    """The header that carries an event's trace on (W3C Trace Context), none when the event has none that is well formed."""
    if isinstance(traceparent, str) and _TRACEPARENT.fullmatch(traceparent):
        return {"traceparent": traceparent}
    return {}


@dataclass(frozen=True, slots=True)
class _Target:
    """One address: the beginning of each request to it, and what the pool knows its connections by."""

    head: bytes
    key: aiohttp.ClientRequest
    host: str


class WebhookSink:
    """Sends to every webhook of a process. Made and used on the event loop; `close` it at the end."""

    def __init__(self, allowed: Sequence[Network], timeout: float = 15.0, places: int | None = None) -> None:
        """Open the pools.

        Args:
            allowed: networks where sinks may be private or plain http.
            timeout: seconds for one request, all in all.
            places: the most requests under way at once; by default as many as the process's files allow.
        """
        self._seconds = timeout
        self._most = usual_places() if places is None else places
        self._places = Places(self._most)
        self._connections = Connections()
        self._timeout = aiohttp.ClientTimeout(sock_connect=min(CONNECT_SECONDS, timeout))
        self._resolver = Resolver()
        self._burst = Burst()
        self._https = connector(allowed, self._resolver, self._connections, plain=False)
        self._http = connector(allowed, self._resolver, self._connections, plain=True)
        self._target = lru_cache(_TARGETS)(_target)

    async def take_place(self, url: str, participant: str, seconds: float) -> Place | None:
        """Take a place for a request of a participant's, within some seconds; None when there was none."""
        return await self._places.take(Flow(participant, self._target(url).host), seconds)

    async def send(self, url: str, body: bytes, headers: Mapping[str, str], place: Place | None = None) -> Outcome:
        """Post one event.

        Args:
            url: the sink's, as `address.check_url` let it in.
            body: the CloudEvent in its JSON format.
            headers: of this delivery, lower case: those of `signature.Signer.headers` and of `trace_headers`.
            place: from `take_place`; the request may then be broken off for somebody who waits.
        """
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode("ascii")
        is_unsent = True
        try:
            target = self._target(url)
            async with asyncio.timeout(self._seconds) as limit:
                if place is not None:
                    place.begin(limit)
                connection = await self._connect(target)
                is_unsent = False
                try:
                    answer = await self._exchange(connection, target, lines, body)
                except BaseException:
                    _abort(connection)
                    raise
                self._let_go(connection)
        except (aiohttp.ClientError, TimeoutError) as error:
            return replace(failure.of_error(error), is_unsent=is_unsent)
        return failure.of_status(answer.code, retry.retry_after(answer.headers.get("retry-after"), clock.now()))

    async def _connect(self, target: _Target) -> Connection:
        pool = self._https if target.key.is_ssl() else self._http
        try:
            return await pool.connect(target.key, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error

    async def _exchange(self, connection: Connection, target: _Target, lines: bytes, body: bytes) -> RawResponseMessage:
        """Write a request, `lines` being the rest of its head, and read its answer.

        The answer's body is read away, never unpacked (bombs) and never looked at.
        """
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            raise aiohttp.ServerDisconnectedError
        protocol.set_response_params(read_until_eof=True, auto_decompress=False)
        self._burst.write(transport, b"%bcontent-length: %d\r\n%b\r\n%b" % (target.head, len(body), lines, body))
        try:
            answer, content = await _read(protocol)
        except HttpProcessingError as error:
            raise aiohttp.ClientResponseError(target.key.request_info, ()) from error
        if not content.is_eof():
            await _drain(content)
        return answer

    def _let_go(self, connection: Connection) -> None:
        """Keep a connection for the next request, if it can be used again and not too many are kept."""
        protocol, transport = connection.protocol, connection.transport
        # An answer may come before the sink has read the request; what is left of the body would wait in memory.
        is_sent = transport is not None and not transport.get_write_buffer_size()
        if protocol is None or protocol.should_close or not is_sent or self._connections.open > self._most:
            _abort(connection)
        else:
            connection.release()

    async def close(self) -> None:
        """Let go of connections and threads."""
        await self._https.close()
        await self._http.close()
        await self._resolver.close()


def _target(url: str) -> _Target:
    address = URL(url)
    request = aiohttp.ClientRequest("POST", address, loop=asyncio.get_running_loop())
    head = (
        f"POST {address.raw_path_qs} HTTP/1.1\r\nhost: {address.host_port_subcomponent}\r\naccept: */*\r\n"
        "user-agent: bus-lamongan\r\ncontent-type: application/cloudevents+json\r\n"
    )
    return _Target(head.encode("ascii"), request, address.host or "")


def _abort(connection: Connection) -> None:
    """End a connection at once: to close it in order, the sink would have to take first what it was sent."""
    if connection.protocol is not None:
        connection.protocol.abort()
    connection.close()


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
