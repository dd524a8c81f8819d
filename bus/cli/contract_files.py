"""Contract documents in files: found, read, and checked with lint."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final

import typer
import yaml

from bus import json, shipped
from bus.agencies import bindings
from bus.cli.terminal import say
from bus.contracts import Contract, DocumentInvalid, Finding, Severity, find_form_faults, lint_contract, load_contract

Paths = Annotated[list[Path], typer.Argument(help="contract documents, or folders of them", exists=True)]
SomePaths = Annotated[
    list[Path] | None, typer.Argument(help="contract documents, or folders of them", exists=True, show_default=False)
]
Shipped = Annotated[bool, typer.Option("--shipped", help="take the contracts that come with the bus")]

_SUFFIXES: Final = (".yaml", ".yml", ".json")


class DocumentsRefused(DocumentInvalid):
    """Some contract documents have to be mended first."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One document.

    Attributes:
        contract: None where the document is no contract.
        findings: of lint.
    """

    path: Path
    contract: Contract | None
    findings: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        """What keeps it from becoming active."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    def line(self, pointer: str) -> int:
        """The line of the file where a pointer's value stands, or the nearest above it; from 1."""
        node, line = (_composed(self.path) if pointer else None), 1
        for step in json.parse_pointer(pointer):
            found = _below(node, step)
            if found is None:
                break
            at, node = found
            line = at.start_mark.line + 1
        return line


def chosen(paths: Sequence[Path] | None, *, is_shipped: bool) -> Sequence[Path]:
    """The paths that a command gets: those of its arguments, or the folder of the shipped contracts.

    Raises:
        typer.BadParameter: both are given, or neither.
    """
    if bool(paths) == is_shipped:
        raise typer.BadParameter("give contract documents or folders, or --shipped")
    return paths or [shipped.CONTRACTS]


def examined(paths: Iterable[Path]) -> list[Examined]:
    """Every document in files and folders.

    Raises:
        DocumentsRefused: there is none.
    """
    documents = [_examined(path) for path in _files(paths)]
    if not documents:
        raise DocumentsRefused(f"There is no contract document ({', '.join(_SUFFIXES)}) there.")
    return documents


def checked(paths: Iterable[Path]) -> list[Contract]:
    """The contracts in files and folders.

    Raises:
        DocumentsRefused: one has errors, which are printed.
    """
    documents = examined(paths)
    for document in documents:
        for finding in document.errors:
            say(f"{document.path}:{document.line(finding.pointer)}: {told(finding)}", err=True)
    if any(document.errors for document in documents):
        raise DocumentsRefused("Mend what is listed above.")
    return [document.contract for document in documents if document.contract]


def told(finding: Finding) -> str:
    """A finding on one line, without what to do about it."""
    return f"{finding.severity.value}: {finding.code}: {finding.pointer or '(document)'}: {finding.message}"


def _examined(path: Path) -> Examined:
    try:
        contract = load_contract(path)
    except DocumentInvalid as invalid:
        return Examined(path, None, find_form_faults(invalid))
    return Examined(path, contract, lint_contract(contract, bindings=bindings({})))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES)
        else:
            yield path


@lru_cache(maxsize=1)
def _composed(path: Path) -> yaml.Node | None:
    """The text of a document that could be read, with the place of each part; None where YAML cannot read a JSON text."""
    try:
        node: yaml.Node | None = yaml.compose(path.read_bytes(), yaml.CSafeLoader)
    except yaml.YAMLError:
        return None
    return node


def _below(node: yaml.Node | None, step: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Where a member of a mapping, or an item of a sequence, begins, and its value."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        return node.value[int(step)], node.value[int(step)]
    return None
