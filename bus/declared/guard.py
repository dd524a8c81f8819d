"""The guard: opens connections to public addresses, and to those in the networks that the operator names.

A document names a host, and DNS says where it is. So each address is checked at the moment of the connection, and the connection
goes to the address that was checked (CWE-918; DNS rebinding).
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import httpx

from bus.kit import AgencyFault, Failure
from bus.networks import Address, Network, may_connect

_LIMITS: Final = httpx.Limits(max_connections=20, max_keepalive_connections=10)
_MOST_ADDRESSES: Final = 4
"""Most addresses of a host that are tried."""

Lookup = Callable[[str], Awaitable[Sequence[Address]]]
"""Finds the addresses of a host."""


async def look_up(host: str) -> Sequence[Address]:
    """The addresses of a host, in the resolver's order; none if it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found))


class Guard(httpx.AsyncBaseTransport):
    """Sends requests to checked addresses alone.

    Args:
        allowed: networks where agencies may be private or plain http.
        tls: what TLS connections to a host trust and show.
        lookup: finds the addresses of a host.
    """

    def __init__(
        self, allowed: Sequence[Network], tls: Callable[[str], ssl.SSLContext], lookup: Lookup = look_up
    ) -> None:
        self._allowed = allowed
        self._tls = tls
        self._lookup = lookup
        # One pool for each host: two hosts may share an address, and a connection was verified for one of them.
        self._pools: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request.

        Raises:
            AgencyFault: sink down; the host has no address that the bus may connect to.
            httpx.RequestError: nothing there answers.
        """
        host = request.url.host
        addresses = await self._find_addresses(host, plain=request.url.scheme == "http")
        for address in addresses[:-1]:
            try:
                return await self._send(request, host, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                # No byte of the request left, so another address may get it.
                continue
        return await self._send(request, host, addresses[-1])

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()

    async def _find_addresses(self, host: str, *, plain: bool) -> list[Address]:
        found = await self._lookup(host)
        if not found:
            raise httpx.ConnectError("the host has no address")
        usable = [address for address in found if may_connect(address, self._allowed, plain=plain)]
        if not usable:
            why = "plain http" if plain else "a private or special address"
            raise AgencyFault(
                Failure.SINK_DOWN, f"the document's server is at {why}, outside the networks in BUS_AGENCY_NETWORKS"
            )
        return usable[:_MOST_ADDRESSES]

    async def _send(self, request: httpx.Request, host: str, address: Address) -> httpx.Response:
        pool = self._pools.get(host)
        if pool is None:
            pool = self._pools[host] = httpx.AsyncHTTPTransport(verify=self._tls(host), limits=_LIMITS, trust_env=False)
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=str(address)),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await pool.handle_async_request(pinned)
