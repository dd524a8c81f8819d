"""Connections to sinks: names are looked up aside, and no socket connects where no sink may be."""

import asyncio
import errno
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from bus.delivery.address import ForbiddenAddress, Network, may_connect

LOOKUPS = 16
"""Names looked up at once."""
DNS_SECONDS = 30
"""How long an address is believed."""
KEEPALIVE_SECONDS = 30.0
CONNECTIONS_PER_HOST = 128
"""Above what a worker lets run against one sink: a bound for a host that serves many sinks, not a brake."""


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
            for family, _, proto, _, address in found
        ]

    async def close(self) -> None:
        """Let go of the threads, without waiting for a name that hangs."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _getaddrinfo(host: str, port: int, family: socket.AddressFamily) -> list[Any]:
    return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)


def connector(allowed: Sequence[Network], resolver: Resolver, *, plain: bool) -> TCPConnector:
    """A pool of connections to sinks, for https or for `plain` http alone.

    The check stands where sockets are made, the one place that every connection passes: aiohttp asks no resolver for an
    IP literal, nor for a name that it remembers.
    """

    def guarded_socket(target: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = target
        if not may_connect(ipaddress.ip_address(address[0]), allowed, plain=plain):
            raise ForbiddenAddress(errno.EACCES, "forbidden address")
        return socket.socket(family, kind, protocol)

    return TCPConnector(
        resolver=resolver,
        socket_factory=guarded_socket,
        # The system's certificate authorities, or those that SSL_CERT_FILE names.
        ssl=ssl.create_default_context(),
        limit=0,
        limit_per_host=CONNECTIONS_PER_HOST,
        ttl_dns_cache=DNS_SECONDS,
        keepalive_timeout=KEEPALIVE_SECONDS,
    )
