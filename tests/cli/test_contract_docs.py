"""`bus contract docs`, and the pages in this repository."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bus import cli, json
from tests.builders import a_strict_document
from tests.contracts.documents import ROOT

CATALOGUE = ROOT / "docs" / "catalogue"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def run(*arguments: str | Path) -> Any:
        monkeypatch.setattr("sys.argv", ["bus", "contract", "docs", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0

    return run


def _texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_the_pages_in_docs_are_those_of_the_shipped_contracts(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run(tmp_path / "pages", ROOT / "contracts") == 0
    assert _texts(CATALOGUE) == _texts(tmp_path / "pages"), "run: bus contract docs docs/catalogue contracts"


def test_a_document_with_findings_has_no_page(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "uji.json"
    path.write_bytes(json.dumps(a_strict_document(key="/tiada")))
    assert run(tmp_path / "pages", path) == 1
    assert not (tmp_path / "pages").exists()
