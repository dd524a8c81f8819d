"""The vault: holds an adapter's secrets, each bound by the operator to hosts.

Promise: a secret leaves the bus in a request to a bound host, and nowhere else. Whoever writes the document cannot have it sent
to himself.
"""

import hashlib
import html
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

from bus import json
from bus.kit import AgencyFault, Failure
from bus.settings import SettingsWrong
from bus.texts import is_blank

HIDDEN: Final = "[secret]"
_SHORTEST: Final = 6
"""Fewest characters of a form that is hidden, unless the secret itself is shorter: others occur by chance."""


@dataclass(frozen=True, slots=True)
class BoundSecret:
    """A secret, and the hosts that may get it, in lower case."""

    value: SecretStr
    hosts: frozenset[str]


class Vault:
    """The secrets of one adapter."""

    def __init__(self, adapter: str, secrets: Mapping[str, BoundSecret]) -> None:
        self._adapter = adapter
        self._secrets = secrets

    def reveal(self, name: str, host: str) -> str:
        """A secret's value, for a request to a host.

        Raises:
            AgencyFault: sink down; the operator did not bind the secret to the host.
        """
        bound = self._secrets[name]
        if host.lower() not in bound.hosts:
            raise AgencyFault(Failure.SINK_DOWN, f"{self._name(name)} does not list the host of the request")
        return bound.value.get_secret_value()

    def has_all(self, names: Iterable[str]) -> bool:
        """Whether each secret has a value. A blank one would let everybody in."""
        return all(name in self._secrets and not is_blank(self.reveal_here(name)) for name in names)

    def reveal_here(self, name: str) -> str:
        """A secret's value, to compare what an agency sends with it. It leaves the bus by no request."""
        return self._secrets[name].value.get_secret_value()

    def may_go(self, names: Iterable[str], host: str) -> bool:
        """Whether the operator bound each secret to a host."""
        return all(host.lower() in self._secrets[name].hosts for name in names)

    def check(self, names: Iterable[str], host: str) -> None:
        """Check that secrets may go to a host, before any request.

        Raises:
            SettingsWrong: the operator did not bind one of them to the host.
        """
        for name in names:
            if host.lower() not in self._secrets[name].hosts:
                raise SettingsWrong(
                    f"{self._name(name)}: should list {host}, or the document must not send the secret there"
                )

    def hide(self, text: str) -> str:
        """The text, with `[secret]` in place of every secret in it, also of one in an encoding that APIs use."""
        forms = {form for bound in self._secrets.values() for form in list_forms(bound.value.get_secret_value())}
        # The longest first: a form may hold another.
        for form in sorted(forms, key=len, reverse=True):
            text = re.sub(re.escape(form), HIDDEN, text, flags=re.IGNORECASE)
        return text

    def _name(self, name: str) -> str:
        return f"BUS_ADAPTERS__{self._adapter}__{name}_HOSTS".upper()


def list_forms(secret: str) -> set[str]:
    """The forms in which an API may repeat a secret: as it is, percent-encoded, in JSON and HTML, hex, base64, plain digests.

    In base64 of a text that holds the secret, such as `user:password`, it has one of three forms. A form lacks the characters
    that depend on what stands beside the secret.
    """
    if is_blank(secret):
        return set()
    data = secret.encode("utf-8", "surrogatepass")
    forms = {secret, quote(data, safe=""), quote(data), quote_plus(data), html.escape(secret), data.hex()}
    forms.add(json.dumps(secret).decode()[1:-1])
    for shift in range(3):
        text = b64encode(bytes(shift) + data).decode().rstrip("=")
        begin, end = (0, 2, 3)[shift], len(text) - ((len(data) + shift) % 3 > 0)
        forms |= {text[begin:end], text[begin:end].replace("+", "-").replace("/", "_")}
    forms |= {
        hashlib.new(name, data, usedforsecurity=False).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")
    }
    return {form for form in forms if len(form) >= min(_SHORTEST, len(secret))}
