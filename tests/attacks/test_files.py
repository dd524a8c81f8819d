"""Attacks on the bus's files by other users of the machine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.storage import open_storage
from tests.cli.a_command import Commands, commands


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    """A machine where everybody may read, and write, what is made."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> dict[str, str]:
    """What others may do anything with in a folder, itself included."""
    every = [folder, *folder.rglob("*")]
    return {str(one.relative_to(folder)): oct(one.stat().st_mode) for one in every if one.stat().st_mode & 0o077}


def test_nothing_in_the_data_folder_is_open_to_others(run: Commands, tmp_path: Path):
    folder = tmp_path / "baru" / "data"
    assert run("init", "--data", folder).code == 0
    assert run("participant", "add", "dinkes", "--kind", "app", "--data", folder).code == 0
    assert (folder / "bus.db").is_file()
    assert open_to_others(folder) == {}


def test_a_folder_that_was_open_is_closed(run: Commands, tmp_path: Path):
    folder = tmp_path / "data"
    run("init", "--data", folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777)
    assert len(open_to_others(folder)) > 4
    assert run("init", "--data", folder).code == 0
    assert open_to_others(folder) == {}


def test_the_log_of_a_database_that_is_open_is_as_closed_as_the_database(run: Commands, tmp_path: Path):
    folder = tmp_path / "data"
    run("init", "--data", folder)
    storage = open_storage(f"sqlite:///{folder / 'bus.db'}")
    with storage.read():
        beside = {one.name for one in folder.iterdir()}
        assert {"bus.db-wal", "bus.db-shm"} <= beside
        assert open_to_others(folder) == {}
    storage.close()
