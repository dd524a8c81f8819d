"""The addresses where a sink may be: public addresses over https, and networks that the operator allows.

An address is checked when a sink is registered, so that its owner learns at once. It is checked again before each socket
connects. Meanwhile names get other owners, and DNS answers change (CWE-918, server-side request forgery; DNS rebinding).
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from yarl import URL

from bus.networks import Address, Network, may_connect
from bus.problem import Refused

LONGEST_URL = 2048

_ALLOWS = (
    "the operator allows (BUS_SINK_NETWORKS); to develop on your own machine, run `bus dev`, which allows 127.0.0.0/8"
)

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?")
_NUMERIC_HOST = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)\.?")
"""What the WHATWG URL standard calls a host that ends in a number: libraries take it for an IPv4 address."""


_ORIGIN = re.compile(r"https?://[^/?#]*", re.ASCII | re.IGNORECASE)
_AUTHORITY = re.compile(
    r"https?://(?:\[[0-9a-z.%]*:[0-9a-z.:%]*\]|[^\[\]:]*)(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE
)
"""Host and port as RFC 3986 writes them. Python also takes `+80` and digits of other scripts for a port."""
_PRINTABLE = re.compile(r"[!-~]*", re.ASCII)
_PATH_AND_QUERY = re.compile(r"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-])*", re.ASCII)
"""What RFC 3986 lets these hold, and brackets, which many frameworks write into queries."""


class SinkAddressRefused(Refused):
    """The bus does not deliver to this address."""

    status = 422
    slug = "sink-address-refused"


class ForbiddenAddress(OSError):
    """A socket was about to connect to a forbidden address. It has no detail, so that aiohttp joins equal errors."""


@dataclass(frozen=True, slots=True)
class Target:
    """The address to connect to, as a sink's URL says.

    Attributes:
        host: lower-case ASCII name, or an address in its canonical form without brackets.
        address: the host if it is an IP literal.
        plain: the scheme is http, not https.
    """

    host: str
    address: Address | None
    plain: bool


def is_listed(host: str, patterns: Sequence[str]) -> bool:
    """Whether the operator lets webhooks be at a host (`BUS_SINK_HOSTS`).

    Args:
        host: lower-case ASCII name, or an address.
        patterns: lower-case names. `*.` before a name stands for every name below it. Without patterns every host is listed.
    """
    name = host.removesuffix(".")
    return not patterns or any(_matches(name, pattern) for pattern in patterns)


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and len(name) >= len(pattern)
    return name == pattern


Lookup = Callable[[str], Awaitable[Sequence[Address]]]
"""Finds the addresses of a host name; none if it does not resolve."""


async def check_url(url: str, allowed: Sequence[Network], resolve: Lookup, *, hosts: Sequence[str] = ()) -> None:
    """Refuse a URL where no sink may be. Called when a sink is registered.

    A name that does not resolve yet may be registered with https, since each connection is checked too.

    Args:
        allowed: networks where sinks may be private or plain http (`BUS_SINK_NETWORKS`).
        hosts: patterns of the hosts where sinks may be; see `is_listed`.

    Raises:
        SinkAddressRefused: with the reason, for the sink's owner.
    """
    target = parse(url)
    if not is_listed(target.host, hosts):
        raise SinkAddressRefused("the host is not on the operator's list; ask the operator to add it")
    addresses = [target.address] if target.address else await _find_addresses(target.host, resolve)
    if any(may_connect(address, allowed, plain=target.plain) for address in addresses):
        return
    if target.plain:
        raise SinkAddressRefused(f"a sink's address begins with https://, except in networks that {_ALLOWS}")
    if addresses:
        raise SinkAddressRefused(f"the host is at a private or special address, outside the networks that {_ALLOWS}")


async def _find_addresses(host: str, resolve: Lookup) -> Sequence[Address]:
    name = host.removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        # RFC 6761, 6.3: loopback, whatever the resolver says.
        return [ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1")]
    return await resolve(host)


def parse(url: str) -> Target:
    """The address to connect to, as a sink's URL says. Refuses a URL that readers could understand in two ways.

    Raises:
        SinkAddressRefused: it is relative, or has another scheme, credentials or a fragment. Its path or query has characters
            that RFC 3986 has percent-encoded. Its port is below 1024 and neither 80 nor 443. It has an IPv4 address in another
            form than four decimal numbers, or an IPv6 zone.
    """
    if len(url) > LONGEST_URL:
        raise SinkAddressRefused(f"the address is longer than {LONGEST_URL} characters")
    # Parsers disagree about these: some drop them, some end the host there.
    if not url.isprintable() or " " in url or "\\" in url:
        raise SinkAddressRefused("the address has blanks, control characters or backslashes in it")
    try:
        parsed = URL(url)
        # `host` raises if a label that begins with `xn--` stands for no text (RFC 5891): libraries would raise later.
        host = (parsed.raw_host or "").lower() if parsed.host else ""
    except ValueError:
        raise SinkAddressRefused("the address is not a URL") from None
    if parsed.scheme not in ("https", "http") or not host:
        raise SinkAddressRefused("the address is not an absolute https:// URL")
    if "@" in parsed.raw_authority:
        raise SinkAddressRefused("the address holds credentials; webhooks are authenticated by their signature")
    if "#" in url:
        raise SinkAddressRefused("the address has a fragment, which is never sent")
    if not _PATH_AND_QUERY.fullmatch(_ORIGIN.sub("", url, count=1)):
        raise SinkAddressRefused("the path or query has characters that a URL writes as % and two hexadecimal digits")
    origin = _ORIGIN.match(url)
    if origin is None or not _AUTHORITY.fullmatch(origin[0]):
        raise SinkAddressRefused("the host or the port is not written as in a URL")
    if parsed.port is None or (parsed.port < 1024 and parsed.port not in (80, 443)):
        raise SinkAddressRefused("the port is not one of 80, 443 and 1024 to 65535")
    return Target(host, _read_literal(host), plain=parsed.scheme == "http")


def write_request_target(url: str) -> str:
    """The path and query of a sink's URL, byte for byte as they were registered.

    Signatures in a query, and codes in a path, are of these bytes: `%2F` is not `/` (RFC 3986, 2.2).
    """
    target = _ORIGIN.sub("", url, count=1)
    if not _PRINTABLE.fullmatch(target):
        # Registered before `parse` refused it.
        return URL(url).raw_path_qs
    return target if target.startswith("/") else f"/{target}"


def _read_literal(host: str) -> Address | None:
    if ":" in host:
        return _read_ip(host, "the host is not an IPv6 address without a zone")
    if _NUMERIC_HOST.fullmatch(host):
        return _read_ip(host, "an IPv4 address is written as four decimal numbers")
    if not _HOST.fullmatch(host):
        raise SinkAddressRefused("the host is not a host name")
    return None


def _read_ip(host: str, otherwise: str) -> Address:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise SinkAddressRefused(otherwise) from None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise SinkAddressRefused(otherwise)
    return address
