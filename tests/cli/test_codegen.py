"""`bus contract codegen`, run as a user runs it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bus import cli
from tests.contracts.documents import ROOT

QUERY = ROOT / "contracts" / "kependudukan" / "cari-nik.yaml"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    monkeypatch.setenv("BUS_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: str | Path) -> Any:
        monkeypatch.setattr("sys.argv", ["bus", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0

    return run


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_document_becomes_modules(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run("contract", "codegen", QUERY, "--lang", "python", "--output", tmp_path / "models") == 0
    assert _names(tmp_path / "models") == {"kependudukan_cari_nik_request.py", "kependudukan_cari_nik_answer.py"}


@pytest.mark.parametrize(("language", "ending"), [("typescript", "ts"), ("php", "php")])
def test_other_languages_need_no_generator(run: Callable[..., Any], tmp_path: Path, language: str, ending: str) -> None:
    assert run("contract", "codegen", QUERY, "--lang", language, "--output", tmp_path) == 0
    assert {f"kependudukan_cari_nik_{part}.{ending}" for part in ("request", "answer")} <= _names(tmp_path)


def test_a_registered_contract_becomes_modules_by_its_name(run: Callable[..., Any], tmp_path: Path) -> None:
    run("init")
    run("contract", "apply", "--grants-seen", QUERY)
    assert run("contract", "codegen", "kependudukan.cari-nik", "--output", tmp_path / "models") == 0
    assert len(_names(tmp_path / "models")) == 2


def test_a_name_that_is_not_registered_is_refused(run: Callable[..., Any]) -> None:
    run("init")
    assert run("contract", "codegen", "kependudukan.tiada") == 1


def test_a_language_that_there_is_not_is_wrong_usage(run: Callable[..., Any]) -> None:
    assert run("contract", "codegen", QUERY, "--lang", "cobol") == 2
