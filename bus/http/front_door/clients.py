"""Who is at the other end: the client's own address, also behind proxies that the operator trusts."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from bus.http.front_door.refusals import RequestMalformed
from bus.http.front_door.request import Field
from bus.settings import Network

Address = IPv4Address | IPv6Address

_FORWARDED: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
"""One element of the field Forwarded (RFC 7239, section 4)."""
_FOR: Final = re.compile(r'(?:^|;)[ \t]*for[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^;,"\s]+)', re.IGNORECASE)
_PORT: Final = re.compile(r"(?P<host>\[[^\]]+\]|[^:\[\]]+)(?::\w+)?")
_UNKNOWN: Final = "unknown"
_LONGEST: Final = 1024
"""Characters of a forwarding field. Quotes that never end take the square of that many steps to read."""


class ProxiesDisagree(RequestMalformed):
    """Forwarded and X-Forwarded-For name different clients, so neither can be believed."""

    slug = "forwarded-unclear"


class Clients:
    """Finds the client of a request; believes the forwarding fields of trusted proxies alone."""

    def __init__(self, proxies: Sequence[Network]) -> None:
        self._proxies = proxies

    def is_proxy(self, peer: str) -> bool:
        """Whether the operator trusts what this address says about its clients."""
        address = parsed(peer)
        return address is not None and is_within(address, self._proxies)

    def of(self, peer: str, fields: Sequence[Field]) -> str:
        """The address of the client behind a trusted proxy: the right-most one that is no trusted proxy itself.

        Raises:
            ProxiesDisagree: two forwarding fields name different clients. A proxy writes one of the fields and passes the
                other as the client sent it; which one is not known here.
        """
        forwarded = _joined(fields, b"forwarded")
        listed = _joined(fields, b"x-forwarded-for")
        found = {
            self._client(peer, chain)
            for chain in (_forwarded(forwarded) if forwarded else None, _listed(listed) if listed else None)
            if chain is not None
        }
        if len(found) > 1:
            raise ProxiesDisagree("Have the proxy remove the forwarding field that it does not write.")
        return found.pop() if found else peer

    def _client(self, peer: str, chain: Sequence[str]) -> str:
        client = peer
        for hop in reversed(chain):
            address = parsed(hop)
            if address is None:
                # RFC 7239, section 6.3: a proxy may hide whom it speaks for. The last known hop answers for it.
                return client
            client = str(address)
            if not is_within(address, self._proxies):
                return client
        return client


@lru_cache(4096)
def parsed(text: str) -> Address | None:
    """The address that a text is, IPv4 also where it is written as IPv6; None if the text is none."""
    if len(text) > 60:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks."""
    return any(address in network for network in networks)


def household(peer: str) -> str:
    """The name under which an address is counted: IPv4 itself, of IPv6 the /64, which one client has as a whole."""
    address = parsed(peer)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return peer if address is None else str(address)


def _joined(fields: Sequence[Field], name: bytes) -> str:
    """The value of a field that may come in several lines.

    Raises:
        RequestMalformed: it is too long.
    """
    text = ",".join(value.decode("latin-1") for key, value in fields if key == name)
    if len(text) > _LONGEST:
        raise RequestMalformed(f"The field {name.decode()} has more than {_LONGEST} characters.")
    return text


def _forwarded(text: str) -> list[str]:
    hops = []
    for element in _FORWARDED.findall(text):
        node = _FOR.search(element)
        hops.append(_host(node[1].strip('"')) if node else _UNKNOWN)
    return hops


def _listed(text: str) -> list[str]:
    return [_host(part.strip()) for part in text.split(",")]


def _host(node: str) -> str:
    """The address of a node, without brackets and port; a bare IPv6 address has no port."""
    if node.count(":") > 1 and not node.startswith("["):
        return node
    match = _PORT.fullmatch(node)
    return match["host"].strip("[]") if match else _UNKNOWN
