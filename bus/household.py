"""Households: the name under which an address is counted, so that nobody counts as many by changing it."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

_LONGEST: Final = 60


@lru_cache(4096)
def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is, IPv4 also where it is written as IPv6; None if the text is none."""
    if len(text) > _LONGEST:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def name_household(peer: str) -> str:
    """The name of an address: IPv4 itself, of IPv6 the /64, which one client has as a whole; any other text as it is."""
    address = parse_address(peer)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return peer if address is None else str(address)
