"""The relying party: the name and the origin for which browsers make and use passkeys (WebAuthn Level 3)."""

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_LOCALHOST: Final = "localhost"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks for passkeys.

    Attributes:
        id: the host name that passkeys belong to.
        origin: the origin of the pages that may use them.
    """

    id: str
    origin: str


def find_relying_party(address: str) -> RelyingParty | None:
    """The relying party of a bus with this address. None: browsers know no passkeys there.

    Browsers ask for TLS and a host name. On this machine they take `localhost` without TLS, but no address of digits.
    """
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    port = f":{parts.port}" if parts.port else ""
    if parts.scheme == "http" and _is_loopback(host):
        return RelyingParty(_LOCALHOST, f"http://{_LOCALHOST}{port}")
    if parts.scheme != "https" or not host or _is_address(host):
        return None
    return RelyingParty(host, f"https://{host}{port}")


def _is_loopback(host: str) -> bool:
    return host == _LOCALHOST or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
