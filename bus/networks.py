"""The addresses that the bus may connect to: public addresses, and networks that the operator allows.

Names get other owners, and DNS answers change. So each socket's address is checked before it connects (CWE-918, server-side
request forgery; DNS rebinding).
"""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SPECIAL_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's metadata address, public by its number
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
"""IANA's IPv4 special-purpose registry and multicast. Written out, because `is_global` differs between Python versions."""

_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
"""The only IPv6 block that IANA assigns as global unicast. All others are loopback, local, multicast or reserved."""

_SPECIAL_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4, which carries an IPv4 address
        "3fff::/20",
    )
)
_CARRIERS_V6 = tuple(ipaddress.IPv6Network(network) for network in ("::ffff:0:0/96", "64:ff9b::/96"))
"""IPv4-mapped (RFC 4291) and NAT64 (RFC 6052): the last 32 bits are the reached IPv4 address."""


def is_forbidden(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether this address is special-purpose, and outside every network that the operator allows."""
    return not _is_allowed(address, allowed) and _is_special(_find_carried(address))


def may_connect(address: Address, allowed: Sequence[Network], *, plain: bool) -> bool:
    """Whether the bus may connect to this address. `plain` http is allowed only inside the allowed networks."""
    return _is_allowed(address, allowed) if plain else not is_forbidden(address, allowed)


def _is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    carried = _find_carried(address)
    return any(address in network or carried in network for network in allowed)


def _is_special(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return any(address in network for network in _SPECIAL_V4)
    return address not in _UNICAST_V6 or any(address in network for network in _SPECIAL_V6)


def _find_carried(address: Address) -> Address:
    if any(address in network for network in _CARRIERS_V6):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
