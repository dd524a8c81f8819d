"""A contract version by the path of its document, or by the name under which it is registered."""

from dataclasses import dataclass
from pathlib import Path

from bus.cli.workspace import open_workspace
from bus.contracts import Catalogue, Contract, State, load_contract


@dataclass(frozen=True, slots=True)
class NamedContract:
    """A contract version, and its state in the register. The version of a document is a draft."""

    contract: Contract
    state: State


def find_named(named: str, version: str | None, data: Path | None) -> NamedContract:
    """The version.

    Args:
        named: the path of a document, or the name of a registered contract.
        version: of a registered contract; None: the newest registered version.
        data: the data folder; None: the folder of the settings.
    """
    path = Path(named)
    if path.is_file():
        return NamedContract(load_contract(path), State.DRAFT)
    with open_workspace(data) as workspace:
        registrar = Catalogue(workspace.storage, workspace.keys.pseudonym).registrar
        found = registrar.read_version(named, version) if version else registrar.read_versions(named)[-1]
        return NamedContract(found.contract, found.state)
