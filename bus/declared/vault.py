"""The vault: holds an adapter's secrets, each bound by the operator to hosts.

Promise: a secret leaves the bus in a request to a bound host, and nowhere else. Whoever writes the document cannot have it sent
to himself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from bus.kit import AgencyFault, Failure
from bus.settings import SettingsWrong
from bus.texts import is_blank


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
        """The text, with `[secret]` in place of every secret in it."""
        for bound in self._secrets.values():
            if value := bound.value.get_secret_value():
                text = text.replace(value, "[secret]")
        return text

    def _name(self, name: str) -> str:
        return f"BUS_ADAPTERS__{self._adapter}__{name}_HOSTS".upper()
