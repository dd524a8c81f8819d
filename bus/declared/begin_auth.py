"""The beginning of a document's `auth`, from the security schemes of an OpenAPI file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin

from bus.declared.openapi import Scheme, has_host

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_TOKEN: Final = re.compile(r"(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?/[A-Za-z0-9._~/?&=-]*")


@dataclass(slots=True)
class Account:
    """What a document says of the bus's account.

    Attributes:
        auth: the entries of `auth`.
        secrets: secret to its title.
        unknown: the schemes that the bus does not know.
    """

    auth: list[dict[str, Any]] = field(default_factory=list)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def add(self, entry: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        """Add an entry of `auth` with the titles of its secrets."""
        self.auth.append(dict(entry))
        self.secrets |= {name: {"title": title} for name, title in secrets.items()}


def begin_auth(schemes: Sequence[Scheme], server: str) -> Account:
    """The account that the schemes ask for. `server` is the address that relative token addresses stand below."""
    account = Account()
    for number, one in enumerate(schemes):
        _add(account, one, f"_{number + 1}" if number else "", server)
    return account


def _add(account: Account, scheme: Scheme, end: str, server: str) -> None:
    said = scheme.said
    kind, http = said.get("type"), str(said.get("scheme", "")).lower()
    flow = _find_flow(said)
    token = _find_token_path(str(flow.get("tokenUrl", "")), server)
    name = str(said.get("name", ""))
    if kind == "apiKey" and said.get("in") in ("header", "query") and _NAME.fullmatch(name):
        entry = {"kind": "api_key", "secret": f"kunci{end}", "in": said["in"], "name": name}
        account.add(entry, {f"kunci{end}": "Kunci API"})
    elif kind == "http" and http == "basic":
        entry = {"kind": "basic", "user": f"pengguna{end}", "password": f"sandi{end}"}
        account.add(entry, {f"pengguna{end}": "Nama pengguna", f"sandi{end}": "Kata sandi"})
    elif kind == "http" and http == "bearer":
        entry = {
            "kind": "api_key",
            "secret": f"token{end}",
            "in": "header",
            "name": "Authorization",
            "scheme": "Bearer",
        }
        account.add(entry, {f"token{end}": "Token tetap dari instansi"})
    elif kind == "oauth2" and _TOKEN.fullmatch(token):
        client, secret = f"client_id{end}", f"client_secret{end}"
        entry = {"kind": "oauth2", "token_path": token, "client_id": client, "client_secret": secret}
        scopes = {"scope": " ".join(scheme.scopes)[:500]} if scheme.scopes else {}
        account.add(entry | scopes, {client: "Client id dari instansi", secret: "Client secret dari instansi"})
    else:
        account.unknown.append(scheme.name)


def _find_flow(said: Mapping[str, Any]) -> Mapping[str, Any]:
    flows = said.get("flows")
    flow = flows.get("clientCredentials") if isinstance(flows, dict) else None
    return flow if isinstance(flow, dict) else {}


def _find_token_path(url: str, server: str) -> str:
    """A path below the server, if the token's address is there; else the whole address."""
    if not url:
        return ""
    try:
        whole = urljoin(f"{server}/", url)
    except ValueError:
        return ""
    below = whole.removeprefix(server)
    return below if below.startswith("/") else whole if has_host(whole) else ""
