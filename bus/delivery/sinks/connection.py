"""Connections to sinks: look up names in threads, and refuse sockets to forbidden addresses."""

import errno
import ipaddress
import socket
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

from bus.delivery.address import ForbiddenAddress
from bus.delivery.names import Names
from bus.delivery.sinks.aiohttp_inside import Connections, Pool
from bus.delivery.sinks.places import PLACES_PER_HOST
from bus.kit import get_tls_context
from bus.networks import Network, may_connect

KEEPALIVE_SECONDS = 30.0
CONNECTIONS_PER_HOST = PLACES_PER_HOST
"""As many as places: who holds a place also finds a free connection."""
SENDER: Final[ContextVar[str]] = ContextVar("SENDER", default="")
"""The participant whose request connects. aiohttp gives its resolver only the host name."""


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
        """Do nothing: the process keeps its look-ups as long as it runs."""


def make_pool(allowed: Sequence[Network], resolver: Resolver, connections: Connections, *, plain: bool) -> Pool:
    """A pool of connections to sinks, either for https or for `plain` http.

    The address is checked where sockets are made, since every connection passes there. A check in the resolver would miss two
    cases: aiohttp resolves no IP literal, and `Names` may remember a host name.
    """

    def guarded_socket(target: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = target
        if not may_connect(ipaddress.ip_address(address[0]), allowed, plain=plain):
            raise ForbiddenAddress(errno.EACCES, "forbidden address")
        return socket.socket(family, kind, protocol)

    return Pool(
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
