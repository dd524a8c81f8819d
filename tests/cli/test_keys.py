"""`bus keys`: a bus goes on with new keys, and an old token ends where the old keys leaked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.identity.keys import load_keys
from tests.cli.a_command import Commands, commands


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


@pytest.mark.parametrize(("arguments", "stands"), [((), True), (("--leaked",), False)])
def test_keys_are_rotated(bus: Commands, arguments: tuple[str, ...], stands: bool):
    folder = bus.folder / "data" / "keys"
    token = load_keys(folder).sign("at+jwt", {"jti": "1"})
    ran = bus("keys", "rotate", *arguments)
    assert (ran.code, "restart" in ran.out, "every token has ended" in ran.out) == (0, True, not stands)
    assert (load_keys(folder).read(token.encode()) is not None) is stands


def test_where_no_keys_are_none_are_rotated(bus: Commands, tmp_path: Path):
    ran = bus("keys", "rotate", "--data", tmp_path / "nowhere")
    assert ran.code == 1
    assert "bus init" in ran.err
    assert not (tmp_path / "nowhere").exists()
