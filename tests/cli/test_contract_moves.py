"""`bus contract propose`, `activate`, `deprecate`, `retire`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.an_actor import an_actor
from tests.builders import SCHEMA, a_strict_contract
from tests.cli.a_command import BREAKING, Commands, commands

NAME = "kependudukan.uji"
OWNER = an_actor("dukcapil-lamongan", client_id="client_pengembang")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def draft(run: Commands, **changes: object) -> None:
    with run.catalogue() as catalogue:
        catalogue.registrar.add_draft(a_strict_contract(**changes), OWNER)


def test_a_version_goes_through_its_life(run: Commands) -> None:
    draft(run)
    steps = (["propose"], ["activate", "--grants-seen"], ["deprecate"], ["retire"])
    told = [run("contract", *step, NAME, "1.0.0").out for step in steps]
    assert told == [f"{NAME} 1.0.0: {state}\n" for state in ("proposed", "active", "deprecated", "retired")]


def test_a_sunset_is_told(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written())
    ran = run("contract", "deprecate", NAME, "1.0.0", "--sunset", "2099-06-30")
    assert ran.out == f"{NAME} 1.0.0: deprecated, to be retired after 2099-06-30\n"
    assert "2099-06-30" in run("contract", "show", NAME).out


def test_what_would_break_is_refused_with_what_breaks(run: Commands) -> None:
    run("contract", "apply", "--grants-seen", run.written())
    draft(run, **BREAKING)
    ran = run("contract", "activate", "--grants-seen", NAME, "2.0.0")
    assert (ran.code, "breaks what 1.0.0 promises" in ran.err, "/schema/additionalProperties" in ran.err) == (
        1,
        True,
        True,
    )


def test_what_cannot_be_decided_needs_the_operator_s_word(run: Commands) -> None:
    lists = [
        {**SCHEMA, "properties": {"nik": {}, "a": {"type": "array", **bound}}} for bound in ({}, {"maxItems": 5000})
    ]
    draft(run, schema=lists[0], examples=[])
    run("contract", "activate", "--grants-seen", NAME, "1.0.0")
    draft(run, version="2.0.0", schema=lists[1], examples=[])
    assert run("contract", "activate", NAME, "2.0.0").code == 1
    assert run("contract", "activate", NAME, "2.0.0", "--accept-undecided", "--grants-seen").code == 0
    assert "undecided accepted" in run("contract", "show", NAME).out


def test_a_step_that_life_does_not_have_is_refused(run: Commands) -> None:
    draft(run)
    assert run("contract", "retire", NAME, "1.0.0").code == 1
