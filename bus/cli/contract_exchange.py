"""`bus contract export` and `import`: whole contracts for other tools, and from them."""

from pathlib import Path
from typing import Annotated

import typer

from bus.cli.contract import Data
from bus.cli.contract_files import DocumentsRefused, write_finding
from bus.cli.named_contract import find_named
from bus.cli.terminal import say, say_lines
from bus.contracts import (
    Classification,
    OdcsAnswers,
    lint_contract,
    parse_contract,
    read_odcs,
    read_yaml,
    write_odcs,
    write_yaml,
)

Output = Annotated[
    Path | None, typer.Option(metavar="FILE", help="file for the document; absent: standard output", dir_okay=False)
]


def export_document(
    contract: Annotated[
        str, typer.Argument(metavar="PATH|NAME", help="a document, or the name of a registered contract")
    ],
    odcs: Annotated[
        bool, typer.Option("--odcs", help="in the Open Data Contract Standard 3.1; absent: as the bus writes it")
    ] = False,
    version: Annotated[
        str | None, typer.Option(help="version of a registered contract; absent: the newest registered version")
    ] = None,
    output: Output = None,
    data: Data = None,
) -> None:
    """Write a contract as one document, with its schemas in it.

    What the standard lacks stands in customProperties, so that `bus contract import` makes the same contract of it.

    Example: bus contract export kependudukan.penduduk --odcs --output penduduk.odcs.yaml
    """
    found = find_named(contract, version, data)
    document = write_odcs(found.contract, found.state) if odcs else found.contract.document
    _write(write_yaml(document), output)


def import_document(
    path: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="a document of the standard, YAML or JSON", exists=True, dir_okay=False),
    ],
    name: Annotated[str | None, typer.Option(help="<domain>.<noun>; absent: as the document says")] = None,
    owner: Annotated[
        str | None, typer.Option(help="the participant that answers for the data; absent: the document's team")
    ] = None,
    classification: Annotated[
        Classification | None, typer.Option(help="absent: as the document says; documents from elsewhere do not say it")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="JSON Pointer of the person's number")] = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="also if the document says more than a contract of the bus can say")
    ] = False,
    output: Output = None,
) -> None:
    """Write a contract document from a document of the Open Data Contract Standard 3.1.

    Roles become grants only if `bus contract export` wrote them. Lint and apply the document as any other.

    Example: bus contract import izin.odcs.yaml --owner dpmptsp --classification internal --output contracts/izin.yaml
    """
    answers = OdcsAnswers(name, owner, classification, subject)
    document = read_odcs(read_yaml(path.read_bytes()), answers, leave_out=leave_out)
    _write(write_yaml(document), output)
    for finding in lint_contract(parse_contract(document)):
        say(write_finding(finding), err=True)


def _write(text: bytes, output: Path | None) -> None:
    if output is None:
        say_lines(text.decode().rstrip("\n"))
        return
    if output.exists():
        raise DocumentsRefused(f"{output} exists already; name another file.")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(text)
    say(str(output))
