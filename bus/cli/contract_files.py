"""Contract documents in files: finds them, reads them, and checks them with lint."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from bus import shipped
from bus.agencies import find_installed, make_bindings
from bus.cli.document_lines import find_line
from bus.cli.terminal import say
from bus.contracts import Contract, DocumentInvalid, Finding, Severity, lint_contract, lint_refused, load_contract

Paths = Annotated[list[Path], typer.Argument(help="contract documents, or folders with them", exists=True)]
SomePaths = Annotated[
    list[Path] | None, typer.Argument(help="contract documents, or folders with them", exists=True, show_default=False)
]
Shipped = Annotated[bool, typer.Option("--shipped", help="use the contracts that come with the bus")]

_SUFFIXES: Final = (".yaml", ".yml", ".json")


class DocumentsRefused(DocumentInvalid):
    """Some contract documents have errors; mend them first."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A document, with the findings of lint.

    Attributes:
        path: the document's file.
        contract: the contract; None if the document is not a contract.
        findings: errors and warnings.
    """

    path: Path
    contract: Contract | None
    findings: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        """The findings that keep the contract from becoming active."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    def find_line(self, pointer: str) -> int:
        """The line of a pointer's value in the file."""
        return find_line(self.path, pointer)


def choose_paths(paths: Sequence[Path] | None, *, is_shipped: bool) -> Sequence[Path]:
    """The paths that a command works on: its arguments, or the folder of the shipped contracts.

    Raises:
        typer.BadParameter: the command has both paths and `--shipped`, or neither.
    """
    if bool(paths) == is_shipped:
        raise typer.BadParameter("give either contract documents or folders, or --shipped")
    return paths or [shipped.CONTRACTS]


def examine(paths: Iterable[Path]) -> list[Examined]:
    """Every document in files and folders, with the findings of lint.

    Raises:
        DocumentsRefused: there is no document.
    """
    documents = [_examine_file(path) for path in _list_files(paths)]
    if not documents:
        raise DocumentsRefused(f"The paths hold no contract document ({', '.join(_SUFFIXES)}).")
    return documents


def check_files(paths: Iterable[Path]) -> list[Contract]:
    """The contracts in files and folders. Prints the errors of their documents.

    A grant that has ended is no error here: a version in force stays as it is, and may be applied again.

    Raises:
        DocumentsRefused: there is no document, or a document has errors.
    """
    documents = examine(paths)
    blocking = [(document, finding) for document in documents for finding in document.errors if finding.code != "ended"]
    for document, finding in blocking:
        say(f"{document.path}:{document.find_line(finding.pointer)}: {write_finding(finding)}", err=True)
    if blocking:
        raise DocumentsRefused("Mend the errors above.")
    return [document.contract for document in documents if document.contract]


def list_contracts(paths: Iterable[Path]) -> list[Contract]:
    """The contracts in files and folders, whether or not lint finds something in them.

    Raises:
        DocumentInvalid: a document is no contract.
    """
    return [load_contract(path) for path in _list_files(paths)]


def write_finding(finding: Finding) -> str:
    """A finding on one line, without its fix."""
    return f"{finding.severity.value}: {finding.code}: {finding.pointer or '(document)'}: {finding.message}"


def _examine_file(path: Path) -> Examined:
    try:
        contract = load_contract(path)
    except DocumentInvalid as invalid:
        findings = lint_refused(invalid, bindings=make_bindings({}), adapters=find_installed())
        return Examined(path, None, findings)
    return Examined(path, contract, lint_contract(contract, bindings=make_bindings({}), adapters=find_installed()))


def _list_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            files = (file for file in path.rglob("*") if file.suffix in _SUFFIXES)
            yield from sorted(file for file in files if file.parent.name != shipped.ADAPTERS.name)
        else:
            yield path
