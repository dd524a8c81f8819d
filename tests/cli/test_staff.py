"""`bus staff list` shows accounts, and says so if there are none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import json
from tests.cli.a_command import Commands, commands


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def test_an_empty_list_says_so_and_what_to_do(run: Commands) -> None:
    assert run("staff", "list").out == "there is no account; `bus staff add` makes one\n"
    assert run("staff", "list", "--json").out == ""


def test_an_account_is_listed_with_its_role_and_state(run: Commands) -> None:
    assert run("staff", "add", "siti", "--peran", "auditor").code == 0
    assert run("staff", "list").out == "siti\tauditor\t\tnot set up\n"
    listed = {"name": "siti", "peran": "auditor", "participant": "", "state": "not set up"}
    assert json.loads(run("staff", "list", "--json").out) == listed
