"""Households: the name under which the bus counts an address. A client cannot get more names by changing its address."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

_LONGEST: Final = 60


@lru_cache(4096)
def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address in a text; an IPv4 address that is mapped into IPv6 becomes IPv4. None: the text is no address."""
    if len(text) > _LONGEST:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def name_household(peer: str) -> str:
    """The name of a peer's household.

    An IPv4 address is its own household. An IPv6 address belongs to its /64, since one client gets a whole /64. Any other
    text stays as it is.
    """
    address = parse_address(peer)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return peer if address is None else str(address)
