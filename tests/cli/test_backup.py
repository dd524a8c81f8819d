"""`bus backup`, `bus restore`, and `bus init` where half of a bus is missing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.a_command import Commands, commands


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def test_a_back_up_becomes_a_bus_with_two_commands(bus: Commands):
    assert bus("participant", "add", "bapenda", "--kind", "app").code == 0
    made = bus("backup", bus.folder / "copy")
    assert (made.code, "checked" in made.out, "encrypt" in made.out) == (0, True, True)
    restored = bus("restore", bus.folder / "copy", "--data", bus.folder / "new")
    assert (restored.code, "bus init" in restored.out) == (0, True)
    assert "nothing changed" in bus("init", "--data", bus.folder / "new").out
    assert "bapenda" in bus("participant", "list", "--data", bus.folder / "new").out


def test_what_is_refused_says_what_to_do_and_ends_with_1(bus: Commands):
    assert bus("backup", bus.folder / "copy").code == 0
    for arguments, told in {
        ("backup", bus.folder / "copy"): "does not exist",
        ("backup", bus.folder / "another", "--recipient", "me"): "age1",
        ("restore", bus.folder / "copy"): "empty data folder",
        ("restore", bus.folder / "nothing", "--data", bus.folder / "new"): "There is no back-up",
        ("backup", bus.folder / "another", "--data", bus.folder / "new"): "bus restore",
    }.items():
        ran = bus(*arguments)
        assert (ran.code, told in ran.err) == (1, True), ran.err
    assert not (bus.folder / "new").exists()
    assert not (bus.folder / "another").exists()


def test_no_keys_are_made_for_a_database_that_has_its_own(bus: Commands):
    shutil.move(bus.folder / "data" / "keys", bus.folder / "keys")
    ran = bus("init")
    assert (ran.code, "is missing" in ran.err, "client_secret" in ran.out) == (1, True, False)
    assert not (bus.folder / "data" / "keys").exists()
    shutil.move(bus.folder / "keys", bus.folder / "data" / "keys")
    assert bus("init").code == 0


def test_no_database_is_made_for_keys_that_have_their_own(bus: Commands):
    database = bus.folder / "data" / "bus.db"
    database.rename(bus.folder / "bus.db")
    ran = bus("init")
    assert (ran.code, "bus restore" in ran.err, "client_secret" in ran.out) == (1, True, False)
    assert not database.exists()
    (bus.folder / "bus.db").rename(database)
    assert "nothing changed" in bus("init").out


def test_an_init_that_was_broken_off_is_begun_again(bus: Commands):
    new = bus.folder / "new"
    new.mkdir()
    (new / "bus.db").touch()
    assert "client_secret" in bus("init", "--data", new).out
