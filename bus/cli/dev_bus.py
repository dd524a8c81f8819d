"""The development bus: makes it with the shipped contracts, and gives each office a participant and a client."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from bus import shipped
from bus.actions import Channel, identify_operator
from bus.agencies import find_installed, make_bindings, read_declared
from bus.cli.adapter_register import apply_shipped
from bus.cli.contract_files import check_files
from bus.cli.dev_notebook import DevClient, Notebook
from bus.cli.init import make_bus
from bus.cli.workspace import Workspace, find_settings, open_workspace
from bus.contracts import Catalogue, Contract, read_yaml
from bus.delivery import new_webhook_secret
from bus.identity import Kind, Participants, ParticipantUnknown, Scope, carry_out_roster, plan_roster, read_roster
from bus.process import Wakeups

_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_APP_SCOPES: Final = (
    Scope.EVENTS_PUBLISH,
    Scope.EVENTS_READ,
    Scope.SUBSCRIPTIONS_MANAGE,
    Scope.QUERIES_CALL,
    Scope.CONTRACTS_READ,
)
"""What a client in docs/apps.md has."""


@contextmanager
def open_dev_bus(
    notebook: Notebook, wakeups: Wakeups, adapters: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[Workspace]:
    """The workspace in the notebook's folder. Makes the bus if it is not there.

    Args:
        adapters: settings of the adapters, by agency; None: those of the environment.
    """
    settings = find_settings(notebook.folder)
    make_bus(settings, identify_operator(Channel.CLI))
    # The bus is at this machine's address alone, whatever the environment says for another bus.
    local: dict[str, Any] = {
        "sink_networks": ",".join([*map(str, settings.sink_networks), *_LOOPBACK]),
        "agency_networks": ",".join([*map(str, settings.agency_networks), *_LOOPBACK]),
        "public_url": "",
        "operation_address": "",
        "console_parts": True,
    }
    if adapters is not None:
        local["adapters"] = adapters
    with open_workspace(notebook.folder, wakeups.changed, **local) as workspace:
        yield workspace


def prepare(workspace: Workspace, notebook: Notebook, office: str) -> None:
    """Put the shipped contracts in force at the first start, and give every office a client."""
    names = {office, *notebook.clients}
    if not notebook.has_contracts:
        contracts = check_files([shipped.CONTRACTS])
        catalogue, by = _open_catalogue(workspace), identify_operator(Channel.CLI)
        steps = plan_roster(workspace.storage, read_roster(read_yaml(shipped.PARTICIPANTS.read_bytes())))
        carry_out_roster(workspace.storage, [step for step in steps if step.changes_anything], by)
        catalogue.registrar.apply(contracts, by)
        for _ in apply_shipped(workspace, catalogue, by):
            pass
        names |= {name for contract in contracts for name in _list_named(contract)}
    for name in sorted(names):
        _ensure_client(workspace, notebook, name)
    notebook.has_contracts = True
    notebook.save()


def read_contracts(workspace: Workspace) -> list[Contract]:
    """The newest active version of each contract, by name."""
    registrar = _open_catalogue(workspace).registrar
    names = dict.fromkeys(name for name, _, _ in registrar.listing.read_versions())
    return [active[-1] for name in names if (active := registrar.read_active(name))]


def _open_catalogue(workspace: Workspace) -> Catalogue:
    bindings = make_bindings(workspace.settings.adapters, declared=read_declared(workspace.storage))
    return Catalogue(workspace.storage, workspace.keys.pseudonym, bindings)


def _list_named(contract: Contract) -> set[str]:
    return {contract.owner, *contract.producers, *(grant.participant for grant in contract.grants)}


def _ensure_client(workspace: Workspace, notebook: Notebook, name: str) -> None:
    """Add the participant if it is missing, and a client unless the notebook has one that works."""
    register, by = Participants(workspace.storage), identify_operator(Channel.CLI)
    kept = notebook.clients.get(name)
    found = register.find_client(kept.client_id) if kept else None
    if found is not None and not found.revoked:
        return
    try:
        register.get(name)
    except ParticipantUnknown:
        register.add(name, name, Kind.MINISTRY if name in find_installed() else Kind.APP, by)
    client, secret = register.add_client(name, _APP_SCOPES, by=by)
    notebook.clients[name] = DevClient(client.client_id, secret or "", new_webhook_secret())
    notebook.save()
