"""`bus contract`, run as a user runs it."""

from pathlib import Path
from typing import Any

import pytest

from bus import cli, json
from bus.cli.workspace import open_workspace
from bus.contracts.catalogue import Catalogue
from tests.contracts.documents import ROOT, SHIPPED, a_document


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.setenv("BUS_DATA_DIR", str(tmp_path / "data"))
    assert _run(monkeypatch, "init") == 0
    capsys.readouterr()
    return tmp_path / "data"


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> Any:
    monkeypatch.setattr("sys.argv", ["bus", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


def _written(folder: Path, **changes: Any) -> Path:
    path = folder / "uji.json"
    path.write_bytes(json.dumps(a_document(**changes)))
    return path


def test_the_shipped_contracts_are_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(monkeypatch, "contract", "lint", ROOT / "contracts") == 0


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"key": "/nomor"}, "pointer: /key: "),
        ({"examples": [{"nik": "x"}]}, "example: /examples/0/nik: "),
        ({"kind": "riwayat"}, "document: /kind: "),
        ({"schema": {"$ref": "tiada.json"}}, "document: /schema/$ref: "),
    ],
)
def test_a_finding_is_printed_with_its_place_and_ends_the_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    finding: str,
) -> None:
    assert _run(monkeypatch, "contract", "lint", _written(tmp_path, **changes)) == 1
    assert finding in capsys.readouterr().err


def test_a_folder_without_documents_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(monkeypatch, "contract", "lint", tmp_path) == 1


def test_applying_shows_the_plan_puts_in_force_and_is_idempotent(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "contract", "apply", ROOT / "contracts") == 0
    first = capsys.readouterr().out
    assert _run(monkeypatch, "contract", "apply", ROOT / "contracts") == 0
    assert "kependudukan.penduduk 1.0.0: add and activate" in first
    assert capsys.readouterr().out.splitlines()[-1] == "nothing to do"


def test_what_was_applied_is_in_force(data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _run(monkeypatch, "contract", "apply", _written(tmp_path))
    with open_workspace(data) as workspace:
        catalogue = Catalogue(workspace.storage, workspace.keys.pseudonym)
        catalogue.refresh()
        assert catalogue.newest("kependudukan.uji").contract.title == "Penduduk rekaan"


def test_a_changed_document_under_the_same_version_is_refused(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _run(monkeypatch, "contract", "apply", _written(tmp_path))
    assert _run(monkeypatch, "contract", "apply", _written(tmp_path, title="Lain")) == 1
    assert "raise the version" in capsys.readouterr().err


def test_what_is_registered_can_be_listed_and_shown(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(monkeypatch, "contract", "apply", ROOT / "contracts")
    capsys.readouterr()
    assert _run(monkeypatch, "contract", "list", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == len(SHIPPED)
    assert {row["state"] for row in rows} == {"active"}
    assert _run(monkeypatch, "contract", "show", "kependudukan.penduduk") == 0
    assert json.loads(capsys.readouterr().out)["contract"] == "kependudukan.penduduk"


def test_showing_what_is_not_there_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(monkeypatch, "contract", "show", "kependudukan.tiada") == 1
