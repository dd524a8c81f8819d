"""`bus contract show`, and what was refused under the contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import clock, json
from bus.cli.workspace import open_workspace
from bus.refusals.log import RefusalLog
from bus.refusals.refusal import Refusal, round_to_hour
from bus.refusals.tally import Count
from tests.cli.a_command import Commands, commands

NAME = "kependudukan.uji"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def refuse(run: Commands, version: str, events: int) -> None:
    """Have events of a village refused now."""
    now = clock.micros(clock.now())
    refusal = Refusal(
        round_to_hour(now), NAME, version, "dukcapil-lamongan", "desa-sembung", "client_1", "pattern", "/data/nik"
    )
    with open_workspace(run.folder / "data") as workspace:
        RefusalLog(workspace.storage).add({refusal: Count(events, events, now, now)})


def test_what_was_refused_is_shown(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written())
    refuse(run, "1.0.0", 7)
    shown = run("contract", "show", NAME).out
    assert "       7  pattern at /data/nik, 1.0.0, desa-sembung client_1, last 20" in shown


def test_a_producer_whose_refusals_jumped_is_named(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written())
    run("contract", "apply", "--grants-seen", run.written(version="1.0.1", title="Lain"))
    refuse(run, "1.0.1", 12)
    shown = run("contract", "show", NAME).out
    said = (
        "Since version 1.0.1 became active, the bus refused up to 12 events of desa-sembung in an hour;"
        " in the week before, 0."
    )
    assert said in shown


def test_refusals_are_told_to_machines(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written())
    refuse(run, "1.0.0", 7)
    shown = json.loads(run("contract", "show", NAME, "--json").out)
    assert ([one["count"] for one in shown["refusals"]], shown["alerts"]) == ([7], [])


def test_where_nothing_was_refused_nothing_is_said(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written())
    assert "refused" not in run("contract", "show", NAME).out
