"""`bus contract docs`: writes a catalogue of contracts as pages for people."""

from pathlib import Path
from typing import Annotated

import typer

from bus.cli.contract_files import Paths, check_files
from bus.cli.terminal import say
from bus.contracts import name_page_file, write_index, write_page


def write_pages(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="folder for the pages", file_okay=False)], paths: Paths
) -> None:
    """Write a Markdown page for each contract document, and README.md with links to them.

    Example: bus contract docs docs/catalogue contracts
    """
    contracts = check_files(paths)
    folder.mkdir(parents=True, exist_ok=True)
    for contract in contracts:
        (folder / name_page_file(contract)).write_text(write_page(contract), encoding="utf-8")
    (folder / "README.md").write_text(write_index(contracts), encoding="utf-8")
    say(f"wrote {len(contracts)} pages to {folder}")
