"""`bus contract codegen`: writes a contract's data as types of a programming language."""

from pathlib import Path
from typing import Annotated

import typer

from bus import contracts
from bus.cli.contract import Data
from bus.cli.named_contract import find_named
from bus.cli.terminal import say
from bus.contracts import Language


def generate_models(
    contract: Annotated[
        str, typer.Argument(metavar="PATH|NAME", help="a document, or the name of a registered contract")
    ],
    lang: Annotated[
        Language, typer.Option(help="python: pydantic v2 models; typescript: interfaces; php: classes")
    ] = Language.PYTHON,
    output: Annotated[Path, typer.Option(metavar="DIR", help="folder for the files", file_okay=False)] = Path(),
    version: Annotated[
        str | None, typer.Option(help="version of a registered contract; absent: the newest registered version")
    ] = None,
    data: Data = None,
) -> None:
    """Write a contract's data as types of a language, and print the files' names. Python needs the extra `codegen`.

    Example: bus contract codegen kependudukan.penduduk --lang typescript --output app/models
    """
    models = contracts.generate_models(find_named(contract, version, data).contract, lang)
    output.mkdir(parents=True, exist_ok=True)
    for name, text in models.items():
        (output / name).write_text(text, encoding="utf-8")
        say(str(output / name))
