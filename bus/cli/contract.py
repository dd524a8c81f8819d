"""`bus contract`: check contract documents, register them, look at what is registered."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from bus import json
from bus.cli.workspace import open_workspace
from bus.contracts.catalogue import Catalogue
from bus.contracts.document import Contract, load
from bus.contracts.errors import DocumentInvalid
from bus.contracts.lint import Finding, form_findings, lint
from bus.contracts.register import Actor
from bus.contracts.registered import Registered

contract = typer.Typer(no_args_is_help=True, help="Contracts: what is exchanged, and who may get which fields and why.")

Paths = Annotated[list[Path], typer.Argument(help="contract documents, or folders of them", exists=True)]
Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]

_OPERATOR: Final = Actor("operator", is_operator=True)
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_PAGE: Final = 500


class DocumentsRefused(DocumentInvalid):
    """Some contract documents have to be mended first."""


@contract.command("lint")
def lint_documents(paths: Paths) -> None:
    """Check documents; prints each finding as file, code, pointer and message.

    Example: bus contract lint contracts
    """
    checked(paths)


@contract.command("apply")
def apply_documents(paths: Paths, data: Data = None) -> None:
    """Register documents and put them in force: all, or none. What stands already is left alone.

    Example: bus contract apply contracts
    """
    contracts = checked(paths)
    with open_workspace(data) as workspace:
        catalogue = Catalogue(workspace.storage, workspace.keys.pseudonym)
        plan = catalogue.plan(contracts, _OPERATOR)
        for step in plan.steps:
            typer.echo(step)
        plan.check()
        if plan.changes_anything:
            catalogue.apply(contracts, _OPERATOR)
    typer.echo(f"applied {len(contracts)} contracts" if plan.changes_anything else "nothing to do")


@contract.command("list")
def list_contracts(data: Data = None, as_json: AsJson = False) -> None:
    """What is registered, each version with its state.

    Example: bus contract list --json
    """
    with open_workspace(data) as workspace:
        for version in _all_versions(Catalogue(workspace.storage, workspace.keys.pseudonym)):
            row = _row(version)
            typer.echo(json.dumps(row).decode() if as_json else "\t".join(row.values()))


@contract.command("show")
def show_contract(
    name: Annotated[str, typer.Argument(help="such as kependudukan.penduduk")],
    version: Annotated[str | None, typer.Option(help="absent: the newest registered")] = None,
    data: Data = None,
) -> None:
    """The document of a version as JSON, with its schemas inside.

    Example: bus contract show kependudukan.penduduk --version 1.0.0
    """
    with open_workspace(data) as workspace:
        catalogue = Catalogue(workspace.storage, workspace.keys.pseudonym)
        found = catalogue.version(name, version) if version else catalogue.versions(name)[-1]
    typer.echo(json.dumps(found.contract.document))


def checked(paths: Iterable[Path]) -> list[Contract]:
    """The contracts in the files; findings are printed, and any of them ends the command."""
    contracts: list[Contract] = []
    clean = True
    for path in _files(paths):
        contract, findings = _examined(path)
        clean = clean and not findings
        contracts += [contract] if contract else []
        for finding in findings:
            typer.echo(f"{path}: {finding.code}: {finding.pointer or '(document)'}: {finding.message}", err=True)
    if not clean:
        raise DocumentsRefused("Mend what is listed above.")
    if not contracts:
        raise DocumentsRefused(f"There is no contract document ({', '.join(_SUFFIXES)}) there.")
    return contracts


def _examined(path: Path) -> tuple[Contract | None, list[Finding]]:
    try:
        contract = load(path)
    except DocumentInvalid as invalid:
        return None, form_findings(invalid)
    return contract, lint(contract)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES)
        else:
            yield path


def _all_versions(catalogue: Catalogue) -> Iterator[Registered]:
    after = ""
    while page := catalogue.page(_PAGE, after):
        for versions in page:
            after = versions[0].contract.name
            yield from versions


def _row(registered: Registered) -> dict[str, str]:
    contract = registered.contract
    return {
        "contract": contract.name,
        "version": contract.version,
        "state": registered.state.value,
        "kind": contract.kind.value,
        "classification": contract.classification.value,
        "owner": contract.owner,
        "title": contract.title,
    }
