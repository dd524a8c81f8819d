"""`bus contract codegen`: writes a contract's data as types of a programming language."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bus.cli.contract import Data
from bus.cli.terminal import say
from bus.cli.workspace import open_workspace
from bus.contracts import Catalogue, Contract, generate_python_models, load_contract


class Language(StrEnum):
    """The programming language of the models."""

    PYTHON = "python"


def generate_models(
    contract: Annotated[
        str, typer.Argument(metavar="PATH|NAME", help="a document, or the name of a registered contract")
    ],
    lang: Annotated[Language, typer.Option(help="pydantic v2 models")] = Language.PYTHON,
    output: Annotated[Path, typer.Option(metavar="DIR", help="folder for the modules", file_okay=False)] = Path(),
    version: Annotated[
        str | None, typer.Option(help="version of a registered contract; absent: the newest registered version")
    ] = None,
    data: Data = None,
) -> None:
    """Write models of a contract's data, and print the files' names. Needs the package's extra `codegen`.

    Example: bus contract codegen kependudukan.penduduk --lang python --output app/models
    """
    models = generate_python_models(_find_contract(contract, version, data))
    output.mkdir(parents=True, exist_ok=True)
    for name, text in models.items():
        (output / name).write_text(text, encoding="utf-8")
        say(str(output / name))


def _find_contract(named: str, version: str | None, data: Path | None) -> Contract:
    path = Path(named)
    if path.is_file():
        return load_contract(path)
    with open_workspace(data) as workspace:
        catalogue = Catalogue(workspace.storage, workspace.keys.pseudonym)
        found = (
            catalogue.registrar.read_version(named, version)
            if version
            else catalogue.registrar.read_versions(named)[-1]
        )
        return found.contract
