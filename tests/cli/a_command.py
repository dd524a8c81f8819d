"""Commands run as a user runs them, and what tests of `bus contract` write for them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from typer.testing import CliRunner

from bus import cli, json
from bus.cli import make_command_line
from bus.cli.contract import open_catalogue
from bus.contracts.catalogue import Catalogue
from tests.builders import SCHEMA, a_strict_document

Answer = Callable[[str], str]

WITHOUT_NAME = {**SCHEMA, "properties": {name: one for name, one in SCHEMA["properties"].items() if name != "nama"}}
BREAKING: dict[str, Any] = {"version": "2.0.0", "schema": WITHOUT_NAME, "examples": []}


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs commands on one data folder."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path) -> Ran:
        """Run `bus …`."""
        self.monkeypatch.setattr("sys.argv", ["bus", *map(str, arguments)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = self.capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    def written(self, **changes: Any) -> Path:
        """A file with a contract document."""
        document = a_strict_document(**changes)
        path = self.folder / f"{document['contract']}-{document['version']}.json"
        path.write_bytes(json.dumps(document))
        return path

    @contextmanager
    def catalogue(self) -> Iterator[Catalogue]:
        """What the commands changed."""
        with open_catalogue(self.folder / "data") as catalogue:
            yield catalogue


@contextmanager
def commands(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    """Commands on the data folder of a new bus."""
    shutil.copytree(_make_bus().name, folder / "data")
    monkeypatch.setenv("BUS_DATA_DIR", str(folder / "data"))
    yield Commands(folder, monkeypatch, capsys)


@cache
def _make_bus() -> "TemporaryDirectory[str]":
    """A data folder that `bus init` made once, to copy: the command takes longer than most tests."""
    folder: TemporaryDirectory[str] = TemporaryDirectory(prefix="bus-initialised-")
    made = CliRunner().invoke(make_command_line(["init"]), ["init", "--data", folder.name])
    assert made.exit_code == 0, made.output
    return folder
