"""`bus contract lint`: findings for people, for machines and for GitHub."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bus import json
from tests.cli.a_command import Commands, commands
from tests.contracts.documents import ROOT

YAML = """# contoh
contract: uji.lint
version: 1.0.0
kind: event
title: <apa datanya>
owner: dukcapil-lamongan
classification: internal
schema:
  type: object
  additionalProperties: false
  properties:
    kode: {type: string, description: Kode.}
producers: [dukcapil-lamongan]
examples:
  - kode: a
  - kode: 5
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


@pytest.fixture
def path(run: Commands) -> Path:
    path = run.folder / "uji.yaml"
    path.write_text(YAML)
    return path


def test_the_shipped_contracts_have_nothing_to_mend(run: Commands) -> None:
    ran = run("contract", "lint", ROOT / "contracts")
    assert (ran.code, ran.out) == (0, "documents: 19, errors: 0, warnings: 0\n")


def test_each_finding_is_shown_with_its_line_and_what_to_do(run: Commands, path: Path) -> None:
    ran = run("contract", "lint", path)
    assert ran.code == 1
    assert f"{path}:16: error: example: /examples/1/kode: must be of type string\n    Mend the example" in ran.out
    assert f"{path}:5: error: placeholder: /title: is still to be written" in ran.out
    assert f"{path}:12: warning: bound: /schema/properties/kode: the text has no greatest length" in ran.out
    assert ran.out.endswith("documents: 1, errors: 2, warnings: 1\n")


def test_warnings_alone_do_not_end_the_command(run: Commands) -> None:
    ran = run("contract", "lint", run.written())
    assert (ran.code, "warning: description" in ran.out) == (0, True)


def test_findings_are_told_to_machines(run: Commands, path: Path) -> None:
    ran = run("contract", "lint", path, "--format", "json")
    (found,) = [finding for finding in json.loads(ran.out) if finding["code"] == "bound"]
    assert (ran.code, found.keys()) == (1, {"file", "line", "code", "severity", "pointer", "message", "fix"})
    assert (found["file"], found["line"], found["severity"]) == (str(path), 12, "warning")


def test_findings_are_told_to_github(run: Commands, path: Path) -> None:
    ran = run("contract", "lint", path, "--format", "github")
    assert f"::error file={path},line=5,title=placeholder::/title: is still to be written." in ran.out
    assert f"::warning file={path},line=12,title=bound::/schema/properties/kode: " in ran.out


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"kind": "riwayat"}, "document: /kind: "),
        ({"schema": {"$ref": "tiada.json"}}, "reference: /schema/$ref: "),
        ({"key": "/nomor", "subject": "/nik"}, "pointer: /key: "),
    ],
)
def test_a_document_that_is_no_contract_is_told_why(run: Commands, changes: dict[str, Any], finding: str) -> None:
    ran = run("contract", "lint", run.written(**changes))
    assert (ran.code, finding in ran.out) == (1, True)


def test_what_is_no_yaml_is_found_in_the_first_line(run: Commands, path: Path) -> None:
    path.write_text("{")
    assert f"{path}:1: error: document: (document): " in run("contract", "lint", path).out


def test_a_folder_without_documents_is_refused(run: Commands) -> None:
    (run.folder / "kosong").mkdir()
    assert run("contract", "lint", run.folder / "kosong").code == 1
