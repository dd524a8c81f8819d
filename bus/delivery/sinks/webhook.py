"""The webhook sink: posts CloudEvents to an app's own endpoint, over https.

Names, TLS, connections, their pool and the parsing of answers are aiohttp's (`aiohttp_inside`). This module writes the request.
Only four lines of its head change from request to request. aiohttp's session would build the whole head each time.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Final

import aiohttp
from yarl import URL

from bus import clock
from bus.delivery import failure, retry
from bus.delivery.address import is_listed, write_request_target
from bus.delivery.answer import ANSWER_BYTES
from bus.delivery.names import Names
from bus.delivery.sinks.aiohttp_inside import Connections, Key, SinkConnection, StaleConnection
from bus.delivery.sinks.burst import Burst
from bus.delivery.sinks.connection import SENDER, Resolver, make_pool
from bus.delivery.sinks.flow import Flow
from bus.delivery.sinks.places import Place, Places, compute_usual_places
from bus.delivery.sinks.time_limits import TimeLimits
from bus.kit import Outcome
from bus.networks import Network

CONNECT_SECONDS: Final = 5.0

_TARGETS: Final = 4096
"""Sinks whose heads are kept."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


def make_trace_headers(traceparent: object) -> dict[str, str]:
    """The header with the event's trace (W3C Trace Context); none if the event has no well-formed trace."""
    if isinstance(traceparent, str) and _TRACEPARENT.fullmatch(traceparent):
        return {"traceparent": traceparent}
    return {}


@dataclass(frozen=True, slots=True)
class _Target:
    """One address: the beginning of each request to it, and what the pool knows its connections by.

    Attributes:
        is_listed: the operator lets webhooks be at this host.
    """

    head: bytes
    key: Key
    host: str
    is_listed: bool


class WebhookSink:
    """Sends to every webhook of a process. Made and used on the event loop; `close` it at the end."""

    def __init__(
        self,
        allowed: Sequence[Network],
        timeout: float = 15.0,
        places: int | None = None,
        names: Names | None = None,
        *,
        hosts: Sequence[str] = (),
    ) -> None:
        """Open the pools.

        Args:
            allowed: networks where sinks may be private or plain http.
            timeout: seconds for one request, all in all.
            places: the most requests under way at once; by default as many as the process's files allow.
            names: the process's look-ups; by default its own.
            hosts: patterns of the hosts where sinks may be; see `is_listed`.
        """
        self._limits = TimeLimits(timeout)
        self._most = compute_usual_places() if places is None else places
        self._places = Places(self._most)
        self._connections = Connections()
        self._timeout = aiohttp.ClientTimeout(sock_connect=min(CONNECT_SECONDS, timeout))
        self._resolver = Resolver(Names() if names is None else names)
        self._burst = Burst()
        self._https = make_pool(allowed, self._resolver, self._connections, plain=False)
        self._http = make_pool(allowed, self._resolver, self._connections, plain=True)
        self._target = lru_cache(_TARGETS)(partial(_make_target, hosts=hosts))

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
        is_unsent, answer, said = True, None, b""
        try:
            target = self._target(url)
            if not target.is_listed:
                return replace(failure.UNLISTED, is_unsent=True)
            request = b"%bcontent-length: %d\r\n%b\r\n%b" % (target.head, len(body), lines, body)
            pool = self._https if target.key.is_https else self._http
            async with asyncio.timeout(None) as limit:
                self._limits.add(limit)
                try:
                    if place is not None:
                        SENDER.set(place.flow.participant)
                        place.begin(limit)
                    connection = await pool.open(target.key, self._timeout)
                    is_unsent = False
                    write = partial(self._burst.write, data=request)
                    try:
                        answer = await connection.exchange(write)
                    except StaleConnection:
                        # Deliveries carry their id, and receivers take each once (RFC 9110, 9.2.2).
                        connection = await pool.open_new(target.key, self._timeout)
                        answer = await connection.exchange(write)
                    if connection.has_more or not answer.is_success:
                        said = await connection.drain(ANSWER_BYTES)
                    self._keep(connection)
                finally:
                    self._limits.remove(limit)
        except (aiohttp.ClientError, TimeoutError) as error:
            if answer is None:
                return replace(failure.classify_error(error), is_unsent=is_unsent)
        # Whatever became of the answer's body: the status decides.
        wait = None if answer.retry_after is None else retry.read_retry_after(answer.retry_after, clock.now())
        return failure.classify_status(answer.status, wait, said)

    def _keep(self, connection: SinkConnection) -> None:
        """Keep a connection for the next request, if it can be used again and not too many are kept."""
        if self._connections.open > self._most:
            connection.abort()
        else:
            connection.release()

    async def close(self) -> None:
        """Let go of connections."""
        await self._https.close()
        await self._http.close()
        await self._resolver.close()


def _make_target(url: str, hosts: Sequence[str]) -> _Target:
    address = URL(url)
    head = (
        f"POST {write_request_target(url)} HTTP/1.1\r\nhost: {address.host_port_subcomponent}\r\naccept: */*\r\n"
        "user-agent: bus-lamongan\r\ncontent-type: application/cloudevents+json\r\n"
    )
    # The host as `address.parse` reads it: a name in its ASCII form. Its other form may not exist.
    host = (address.raw_host or "").lower()
    return _Target(head.encode("ascii"), Key(address), host, is_listed(host, hosts))
