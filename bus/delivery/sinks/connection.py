"""Connections to sinks: names are looked up aside, and no socket connects where no sink may be."""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from bus.delivery.address import ForbiddenAddress, Network, may_connect
from bus.delivery.sinks.answer import AnswerReader, Connections
from bus.delivery.sinks.places import PLACES_PER_HOST
from bus.kit import trusting

LOOKUPS = 64
"""Names looked up at once."""
ADDRESSES = 3
"""Of each family that are tried for one name: it may have hundreds, and each is a socket."""
DNS_SECONDS = 30
"""How long an address is believed."""
KEEPALIVE_SECONDS = 30.0
CONNECTIONS_PER_HOST = PLACES_PER_HOST
"""Who holds a place finds a connection free."""


class Resolver(AbstractResolver):
    """The system's resolver in threads of its own: names that hang must not take the threads that storage waits for."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host name.

        Raises:
            OSError: it does not resolve.
        """
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _getaddrinfo, host, port, family)
        return [
            ResolveResult(
                hostname=host, host=address[0], port=port, family=family, proto=proto, flags=socket.AI_NUMERICHOST
            )
            for family, _, proto, _, address in _few(found)
        ]

    async def close(self) -> None:
        """Let go of the threads, without waiting for a name that hangs."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _getaddrinfo(host: str, port: int, family: socket.AddressFamily) -> list[Any]:
    return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)


def _few(found: Sequence[Any]) -> list[Any]:
    """The first addresses of each family, in their order."""
    families = [address[0] for address in found]
    return [address for index, address in enumerate(found) if families[:index].count(address[0]) < ADDRESSES]


class _Connector(TCPConnector):
    """aiohttp's pool, with our reader of answers."""

    def __init__(self, connections: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast("Any", partial(AnswerReader, loop=self._loop, connections=connections))


def connector(allowed: Sequence[Network], resolver: Resolver, connections: Connections, *, plain: bool) -> TCPConnector:
    """A pool of connections to sinks, for https or for `plain` http alone.

    The check stands where sockets are made, the one place that every connection passes: aiohttp asks no resolver for an
    IP literal, nor for a name that it remembers.
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
        ssl=trusting(),
        limit=0,
        limit_per_host=CONNECTIONS_PER_HOST,
        ttl_dns_cache=DNS_SECONDS,
        keepalive_timeout=KEEPALIVE_SECONDS,
    )
