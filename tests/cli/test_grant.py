"""`bus grant`: who gets what until when, and how the operator stops it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.a_command import Commands, commands

NAME = "kependudukan.uji"


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run
