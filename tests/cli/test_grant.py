"""`bus grant`: who gets what until when, and how the operator stops it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bus import json
from tests.cli.a_command import Commands, commands

NAME = "kependudukan.uji"


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        assert run("contract", "apply", "--grants-seen", run.written()).code == 0
        yield run


def listed(bus: Commands, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in bus("grant", "list", "--json", *options).out.splitlines()]


def test_the_list_says_who_is_suspended_by_whom_and_why(bus: Commands) -> None:
    assert [one["state"] for one in listed(bus)] == ["granted"]
    said = bus("grant", "suspend", NAME, "bapenda", "--reason", "sedang diperiksa")
    assert (said.code, said.out.strip()) == (
        0,
        f"the grant of bapenda in {NAME} is suspended; 0 deliveries wait",
    )
    (one,) = listed(bus, "--suspended")
    assert (one["state"], one["by"], one["reason"]) == ("suspended", "operator", "sedang diperiksa")
    assert bus("grant", "resume", NAME, "bapenda").code == 0
    assert listed(bus, "--suspended") == []


def test_a_grant_that_is_not_there_is_refused_with_the_reason(bus: Commands) -> None:
    said = bus("grant", "suspend", NAME, "tidak-ada", "--reason", "salah ketik")
    assert (said.code, said.err.strip()) == (1, f"No version of {NAME} in force has a grant of tidak-ada.")
    assert bus("grant", "resume", NAME, "bapenda").code == 1
