"""Makes a declared adapter from its document and the operator's settings, as the registry of agencies expects it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr, create_model

from bus.declared.adapter import DeclaredAdapter
from bus.declared.auth import list_secrets, make_auths, make_tls_chooser
from bus.declared.client import Client, Server, Watch, Wire
from bus.declared.document import AdapterDocument, Deliver, Poll, Push
from bus.declared.document import Operation as DeclaredOperation
from bus.declared.guard import Guard
from bus.declared.mapper import Mapper
from bus.declared.pace import Pace
from bus.declared.vault import BoundSecret, Vault
from bus.kit import AdapterSettings, BaseUrl, Does, Operation, make_http_client
from bus.networks import Network
from bus.settings import SettingsWrong, read_adapter_settings

_DOES: Final = {"deliver": Does.DELIVER, "poll": Does.POLL, "query": Does.QUERY, "push": Does.PUSH}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an adapter stands in.

    Attributes:
        networks: where agencies may be private or plain http (`BUS_AGENCY_NETWORKS`).
        transport: replaces connections, for a simulator in the same process. None: the guard.
        mapper: evaluates expressions. None: worker processes of the adapter's own.
        watch: sees each exchange, for a trial.
    """

    networks: Sequence[Network] = ()
    transport: httpx.AsyncBaseTransport | None = None
    mapper: Mapper | None = None
    watch: Watch | None = None


class DeclaredFactory:
    """Declares an adapter as its document says, and makes it.

    Attributes:
        name, participant, settings, operations: as in `bus.kit.AdapterFactory`.
    """

    def __init__(self, document: AdapterDocument, surroundings: Surroundings | None = None) -> None:
        self._document = document
        self._surroundings = surroundings or Surroundings()
        self.name = document.adapter
        self.participant = document.participant
        self.settings = make_settings(document)
        self.operations = tuple(make_operation(one) for one in document.operations)

    def create(self, settings: AdapterSettings) -> DeclaredAdapter:
        """The adapter, with connections and worker processes of its own. They start when they are first needed.

        Raises:
            SettingsWrong: a secret is not bound to a host that gets it.
        """
        document, around = self._document, self._surroundings
        given = settings.model_dump()
        base_url = _find_base_url(document, settings)
        vault = make_vault(document, given)
        tls = make_tls_chooser(document.auth, base_url, vault)
        transport = around.transport or Guard(around.networks, tls)
        own = tls(urlsplit(base_url).hostname or "")
        http = make_http_client(settings, base_url=base_url, tls=own, transport=transport)
        wire = Wire(document.agency, http, Pace(document.agency, document.limits), around.watch)
        mapper = around.mapper or Mapper(document.adapter)
        auths = make_auths(document.auth, document.agency, base_url, vault, wire.send_for_token, mapper)
        server = Server(base_url, {name: str(given[name]) for name in document.settings})
        return DeclaredAdapter(document, Client(document, server, wire, auths, mapper), vault)

    def make(self, given: Mapping[str, str]) -> tuple[AdapterSettings, DeclaredAdapter]:
        """The adapter with the operator's settings; those that the document does not name belong to another version of it.

        Raises:
            SettingsWrong: names each setting that is missing or wrong, or the secret that is not bound to its host.
        """
        check_no_secret_is_shown(self._document, given)
        known = {name: value for name, value in given.items() if name in self.settings.model_fields}
        settings = read_adapter_settings(self.name, self.settings, known)
        try:
            return settings, self.create(settings)
        except (ValueError, httpx.InvalidURL):
            # The operator's address has a host, or a port, that there cannot be.
            raise SettingsWrong(f"BUS_ADAPTERS__{self.name}__BASE_URL".upper() + ": is no address") from None


def make_settings(document: AdapterDocument) -> type[AdapterSettings]:
    """The settings that the operator gives: those of every adapter, and those that the document names.

    For each secret there are two: its value, and `…_hosts`, the hosts that may get it, separated by commas.
    A secret that only proves pushes goes to no host, and may be missing: the
    push then lets nobody in.
    """
    servers: Any = Literal[tuple(server.name for server in document.servers)]
    fields: dict[str, Any] = {
        "base_url": (BaseUrl, document.servers[0].url),
        "server": (servers, document.servers[0].name),
    }
    for name, setting in document.settings.items():
        fields[name] = (str, ... if setting.default is None else setting.default)
    sent = {name for auth in document.auth for name in list_secrets(auth)}
    received = {name for one in document.operations if isinstance(one, Push) for name in list_secrets(one.verify)}
    for name in document.secrets:
        only_received = name in received - sent
        # An office may use the adapter without the push. Without its secret nobody gets in.
        fields[name] = (SecretStr, SecretStr("") if only_received else ...)
        fields[f"{name}_hosts"] = (str, "" if only_received else ...)
    return create_model(f"Settings of {document.adapter}", __base__=AdapterSettings, **fields)


def check_no_secret_is_shown(document: AdapterDocument, given: Collection[str]) -> None:
    """Refuse a document that calls a secret of the operator's a setting. Expressions see settings, and send them anywhere.

    Args:
        given: the names of the operator's settings. One that has `…_hosts` beside it is a secret.

    Raises:
        SettingsWrong: names the setting.
    """
    if shown := next((name for name in document.settings if f"{name}_hosts" in given), None):
        setting = f"BUS_ADAPTERS__{document.adapter}__{shown}".upper()
        raise SettingsWrong(
            f"{setting}: is a secret, since {setting}_HOSTS binds it; the document must name it in `secrets`, not in `settings`"
        )


def make_vault(document: AdapterDocument, given: Mapping[str, Any]) -> Vault:
    """The vault with the document's secrets, from the settings' values."""
    bound = {
        name: BoundSecret(
            given[name], frozenset(host.strip().lower() for host in given[f"{name}_hosts"].split(",") if host.strip())
        )
        for name in document.secrets
    }
    return Vault(document.adapter, bound)


def _find_base_url(document: AdapterDocument, settings: AdapterSettings) -> str:
    """The address that the operator gives, or that of the server that the operator chooses."""
    if "base_url" in settings.model_fields_set:
        return settings.base_url
    chosen = settings.model_dump()["server"]
    found = next((server.url for server in document.servers if server.name == chosen), None)
    if found is None:
        raise SettingsWrong(f"BUS_ADAPTERS__{document.adapter.upper()}__SERVER: names no server of the document")
    return found


def make_operation(operation: DeclaredOperation) -> Operation:
    """The operation, as the rest of the bus knows operations."""
    return Operation(
        operation.name,
        _DOES[operation.does],
        contract=operation.contract if isinstance(operation, Poll | Push) else None,
        interval=operation.interval_seconds if isinstance(operation, Poll) else 300.0,
        batch=operation.batch.most if isinstance(operation, Deliver) and operation.batch else 1,
        fields=tuple(operation.fields),
        least=operation.least,
        person=operation.person,
        definitions=operation.definitions,
    )
