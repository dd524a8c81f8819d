"""Connections to sinks: names are looked up aside, and no socket connects where no sink may be."""

import errno
import ipaddress
import socket
from collections.abc import Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, cast

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from bus.delivery.address import ForbiddenAddress, Network, may_connect
from bus.delivery.names import Names
from bus.delivery.sinks.answer import AnswerReader, Connections
from bus.delivery.sinks.places import PLACES_PER_HOST
from bus.kit import get_tls_context

KEEPALIVE_SECONDS = 30.0
CONNECTIONS_PER_HOST = PLACES_PER_HOST
"""Who holds a place finds a connection free."""
SENDER: Final[ContextVar[str]] = ContextVar("SENDER", default="")
"""The participant whose request connects. aiohttp hands its resolver the host name alone."""


class Resolver(AbstractResolver):
    """The process's look-ups, as aiohttp asks for them."""

    def __init__(self, names: Names) -> None:
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host name.

        Raises:
            OSError: it does not resolve.
        """
        found = await self._names.resolve(host, SENDER.get())
        return [
            ResolveResult(
                hostname=host,
                host=one.address,
                port=port,
                family=one.family,
                proto=one.protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for one in found
            if family in (socket.AF_UNSPEC, one.family)
        ]

    async def close(self) -> None:
        """Nothing: the process has its look-ups for as long as it runs."""


class _Connector(TCPConnector):
    """aiohttp's pool, with our reader of answers."""

    def __init__(self, connections: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast("Any", partial(AnswerReader, loop=self._loop, connections=connections))


def connector(allowed: Sequence[Network], resolver: Resolver, connections: Connections, *, plain: bool) -> TCPConnector:
    """A pool of connections to sinks, for https or for `plain` http alone.

    The check stands where sockets are made, the one place that every connection passes: aiohttp asks no resolver for an
    IP literal, and `Names` may remember a host name.
    """

    def guarded_socket(target: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = target
        if not may_connect(ipaddress.ip_address(address[0]), allowed, plain=plain):
            raise ForbiddenAddress(errno.EACCES, "forbidden address")
        return socket.socket(family, kind, protocol)

    return _Connector(
        connections,
        resolver=resolver,
        socket_factory=guarded_socket,
        ssl=get_tls_context(),
        limit=0,
        limit_per_host=CONNECTIONS_PER_HOST,
        # `Names` remembers. aiohttp's cache would have one participant wait for another one's turn.
        use_dns_cache=False,
        keepalive_timeout=KEEPALIVE_SECONDS,
    )
