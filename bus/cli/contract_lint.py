"""`bus contract lint`: shows the findings in contract documents, for people and for machines."""

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from bus.cli.contract_files import DocumentsRefused, Examined, Shipped, SomePaths, choose_paths, examine
from bus.cli.terminal import say, say_json, show
from bus.contracts import Finding, Severity

_COLOURS: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}


class Format(StrEnum):
    """The form of findings."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def lint_documents(
    paths: SomePaths = None,
    is_shipped: Shipped = False,
    format: Annotated[
        Format, typer.Option(help="form of the findings; github: annotations of a workflow")
    ] = Format.TEXT,
) -> None:
    """Check documents. Exits with 1 if one has errors, which keep a contract from becoming active; warnings do not.

    Example: bus contract lint contracts --format github
    """
    documents = examine(choose_paths(paths, is_shipped=is_shipped))
    match format:
        case Format.TEXT:
            _print_text(documents)
        case Format.JSON:
            say_json([_make_row(document, finding) for document, finding in _list_findings(documents)])
        case Format.GITHUB:
            for document, finding in _list_findings(documents):
                say(_write_annotation(document, finding))
    if errors := sum(len(document.errors) for document in documents):
        raise DocumentsRefused(f"Mend the errors above: {errors}.")


def _list_findings(documents: Sequence[Examined]) -> list[tuple[Examined, Finding]]:
    return [(document, finding) for document in documents for finding in document.findings]


def _print_text(documents: Sequence[Examined]) -> None:
    found = _list_findings(documents)
    for document, finding in found:
        place = f"{document.path}:{document.find_line(finding.pointer)}: "
        kind = (finding.severity.value, _COLOURS[finding.severity])
        at = finding.pointer or "(document)"
        show(place, kind, f": {finding.code}: {at}: {finding.message}")
        show(f"    {finding.fix}", style="dim")
    errors = sum(finding.severity is Severity.ERROR for _, finding in found)
    say(f"documents: {len(documents)}, errors: {errors}, warnings: {len(found) - errors}")


def _make_row(document: Examined, finding: Finding) -> dict[str, Any]:
    place = {"file": str(document.path), "line": document.find_line(finding.pointer)}
    return place | asdict(finding) | {"severity": finding.severity.value}


def _write_annotation(document: Examined, finding: Finding) -> str:
    """A workflow command of GitHub Actions. GitHub shows the finding at its line."""
    place = f"file={_escape_property(str(document.path))},line={document.find_line(finding.pointer)}"
    message = _escape(f"{finding.pointer or '(document)'}: {finding.message}. {finding.fix}")
    return f"::{finding.severity.value} {place},title={_escape_property(finding.code)}::{message}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
