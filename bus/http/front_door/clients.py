"""Clients: finds the address of a request's client, also behind proxies that the operator trusts."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from bus.household import parse_address
from bus.http.front_door.refusals import RequestMalformed
from bus.http.front_door.request import Field
from bus.networks import Network

Address = IPv4Address | IPv6Address

_PAIR: Final = r"""[!#$%&'*+.^_`|~0-9A-Za-z-]+=(?:[!#$%&'*+.^_`|~0-9A-Za-z:\[\]-]+|"(?:[^"\\]|\\.)*")"""
_ELEMENT: Final = rf"[ \t]*{_PAIR}(?:[ \t]*;[ \t]*{_PAIR})*[ \t]*"
_FORWARDED: Final = re.compile(rf"{_ELEMENT}(?:,{_ELEMENT})*")
"""A line of the field Forwarded (RFC 7239, section 4). Any other text is refused whole: a client's text could otherwise hide what
the proxy added."""
_PIECE: Final = re.compile(rf"{_PAIR}|[,;]")
_PORT: Final = re.compile(r"(?P<host>\[[^\]]+\]|[^:\[\]]+)(?::\w+)?")
_UNKNOWN: Final = "unknown"
_LONGEST: Final = 1024
"""Characters of a forwarding field. To read quotes that never end takes the square of that many steps."""


class ProxiesDisagree(RequestMalformed):
    """Forwarded and X-Forwarded-For name different clients; the proxy must send only one of them."""

    slug = "forwarded-unclear"


class Clients:
    """Finds the client of a request. It believes only forwarding fields of trusted proxies."""

    def __init__(self, proxies: Sequence[Network]) -> None:
        self._proxies = proxies

    def is_proxy(self, peer: str) -> bool:
        """Whether the operator trusts this address as a proxy."""
        address = parse_address(peer)
        return address is not None and is_within(address, self._proxies)

    def of(self, peer: str, fields: Sequence[Field]) -> str:
        """The client's address behind trusted proxies: the right-most address that is no trusted proxy.

        Raises:
            RequestMalformed: a forwarding field is too long, or Forwarded is not as RFC 7239 says.
            ProxiesDisagree: two forwarding fields name different clients. A proxy writes one of them and passes the other as
                the client sent it. The bus does not know which.
        """
        forwarded = [hop for line in _read_lines(fields, b"forwarded") for hop in _read_forwarded(line)]
        listed = [hop for line in _read_lines(fields, b"x-forwarded-for") for hop in _read_listed(line)]
        found = {self._client(peer, chain) for chain in (forwarded, listed) if chain}
        if len(found) > 1:
            raise ProxiesDisagree("Have the proxy remove the forwarding field that it does not write.")
        return found.pop() if found else peer

    def _client(self, peer: str, chain: Sequence[str]) -> str:
        client = peer
        for hop in reversed(chain):
            address = parse_address(hop)
            if address is None:
                # RFC 7239, section 6.3: a proxy may hide its client. The last known hop then counts as the client.
                return client
            client = str(address)
            if not is_within(address, self._proxies):
                return client
        return client


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks."""
    return any(address in network for network in networks)


def _read_lines(fields: Sequence[Field], name: bytes) -> list[str]:
    """The lines of a field that may have several lines.

    Raises:
        RequestMalformed: together they are too long.
    """
    lines = [value.decode("latin-1") for key, value in fields if key == name]
    if sum(map(len, lines)) > _LONGEST:
        raise RequestMalformed(f"The field {name.decode()} has more than {_LONGEST} characters.")
    return lines


def _read_forwarded(line: str) -> list[str]:
    """The node behind `for` of each element of a line, in their order.

    Raises:
        RequestMalformed: the line is not as RFC 7239, section 4, says, or an element has two `for`.
    """
    if not _FORWARDED.fullmatch(line):
        raise RequestMalformed("The field Forwarded is not as RFC 7239 says; have the proxy write it anew.")
    elements: list[list[str]] = [[]]
    for piece in _PIECE.findall(line):
        if piece == ",":
            elements.append([])
        elif piece[:4].lower() == "for=":
            elements[-1].append(piece[4:].strip('"'))
    if any(len(nodes) > 1 for nodes in elements):
        raise RequestMalformed("An element of the field Forwarded has `for` twice; have the proxy write it anew.")
    return [_read_host(nodes[0]) if nodes else _UNKNOWN for nodes in elements]


def _read_listed(line: str) -> list[str]:
    return [_read_host(part.strip()) for part in line.split(",")]


def _read_host(node: str) -> str:
    """The address of a node, without brackets and port; a bare IPv6 address has no port."""
    if node.count(":") > 1 and not node.startswith("["):
        return node
    match = _PORT.fullmatch(node)
    return match["host"].strip("[]") if match else _UNKNOWN
