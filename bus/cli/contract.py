"""`bus contract list` and `show`, and the options that the commands of `bus contract` share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bus import clock
from bus.agencies import make_bindings, read_declared
from bus.cli import contract_refusals
from bus.cli.terminal import say, say_json, say_lines, say_row
from bus.cli.workspace import open_workspace
from bus.contracts import Catalogue, Heading, ListedVersion, RegisteredVersion, write_yaml
from bus.refusals import RefusalLog

Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


@contextmanager
def open_catalogue(data: Path | None) -> Iterator[Catalogue]:
    """The catalogue of the bus in a data folder.

    Args:
        data: the data folder; None: the folder of the settings.
    """
    with open_workspace(data) as workspace:
        bindings = make_bindings(workspace.settings.adapters, declared=read_declared(workspace.storage))
        yield Catalogue(workspace.storage, workspace.keys.pseudonym, bindings)


def list_contracts(data: Data = None, as_json: AsJson = False) -> None:
    """List the registered versions with their states.

    Example: bus contract list --json
    """
    with open_catalogue(data) as catalogue:
        for name, standing, heading in catalogue.registrar.listing.read_versions():
            row = _make_row(name, standing, heading)
            if as_json:
                say_json(row)
            else:
                say_row(list(row.values()))


def show_contract(
    name: Annotated[str, typer.Argument(help="such as kependudukan.penduduk")],
    version: Annotated[str | None, typer.Option(help="absent: the newest registered version")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show a version: state, history, refusals under its contract, and the document with its schemas.

    Example: bus contract show kependudukan.penduduk --version 1.0.0
    """
    with open_workspace(data) as workspace:
        catalogue = Catalogue(workspace.storage, workspace.keys.pseudonym)
        found = (
            catalogue.registrar.read_version(name, version) if version else catalogue.registrar.read_versions(name)[-1]
        )
        row = _make_row(found.name, found, catalogue.registrar.listing.get_heading(found))
        refused = contract_refusals.read_refusals(RefusalLog(workspace.storage), name)
    if as_json:
        shown = row | {"history": _list_steps(found)} | refused
        say_json(shown | {"document": found.contract.document})
        return
    facts = (f"{label:16}{value}" for label, value in row.items())
    for line in (*facts, *_write_steps(found), *contract_refusals.write_lines(**refused)):
        say(line)
    say_lines(write_yaml(found.contract.document).decode())


def _make_row(name: str, standing: ListedVersion | RegisteredVersion, heading: Heading) -> dict[str, str]:
    row = {
        "contract": name,
        "version": standing.version,
        "state": standing.state.value,
        "kind": heading.kind.value,
        "classification": heading.classification.value,
        "owner": heading.owner,
        "title": heading.title,
    }
    return row | ({"sunset": standing.sunset.isoformat()} if standing.sunset else {})


def _list_steps(registered: RegisteredVersion) -> list[dict[str, Any]]:
    return [
        {
            "state": move.state.value,
            "at": clock.rfc3339(clock.moment(move.at)),
            "by": move.by,
            "client_id": move.client_id,
            "adapters": list(move.adapters),
            "accepted_undecided": move.accepted_undecided,
        }
        for move in registered.steps
    ]


def _write_steps(registered: RegisteredVersion) -> Iterator[str]:
    """A line for each step: the new state, the time, and the author."""
    for move in _list_steps(registered):
        client = f" ({move['client_id']})" if move["client_id"] else ""
        notes = [f"word for {name}" for name in move["adapters"]]
        notes += ["undecided accepted"] * move["accepted_undecided"]
        yield f"  {move['state']:12}{move['at']}  {move['by']}{client}" + "".join(f", {note}" for note in notes)
