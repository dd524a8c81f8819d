"""`bus contract lint` over documents that mean harm: it ends soon, with an error and no traceback."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.a_command import Commands, commands
from tests.contracts.hostile import HOSTILE

_SECONDS = 10


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_ends_the_command_with_an_error(run: Commands, tmp_path: Path, name: str) -> None:
    file = tmp_path / "jahat.yaml"
    file.write_bytes(HOSTILE[name])
    began = time.process_time()
    ran = run("contract", "lint", file)
    assert time.process_time() - began < _SECONDS
    assert ran.code == 1
    assert "Traceback" not in ran.err
