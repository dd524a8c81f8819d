"""`bus contract export` and `import`, run as a user runs them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.contracts.document import load_contract
from tests.cli.a_command import Commands, commands
from tests.contracts.documents import ROOT

PENDUDUK = ROOT / "contracts" / "kependudukan" / "penduduk.yaml"


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def test_an_export_that_is_imported_is_the_same_contract(bus: Commands) -> None:
    exported, imported = bus.folder / "out" / "penduduk.odcs.yaml", bus.folder / "penduduk.yaml"
    assert bus("contract", "export", PENDUDUK, "--odcs", "--output", exported).code == 0
    assert bus("contract", "import", exported, "--output", imported).code == 0
    assert load_contract(imported).document == load_contract(PENDUDUK).document


def test_a_registered_contract_is_exported_with_its_state(bus: Commands) -> None:
    assert bus("contract", "apply", "--grants-seen", bus.written()).code == 0
    told = bus("contract", "export", "kependudukan.uji", "--odcs").out
    assert "status: active" in told
    assert "contract: kependudukan.uji" in bus("contract", "export", "kependudukan.uji").out


def test_no_file_is_written_over(bus: Commands) -> None:
    output = bus.folder / "ada.yaml"
    output.write_text("penting")
    done = bus("contract", "export", PENDUDUK, "--output", output)
    assert (done.code, output.read_text()) == (1, "penting")


def test_an_import_says_what_it_cannot_read(bus: Commands) -> None:
    (bus.folder / "x.yaml").write_text("apiVersion: v3.1.0\nkind: DataContract\nid: a\nstatus: draft\n")
    done = bus("contract", "import", bus.folder / "x.yaml")
    assert done.code == 1
    assert "lacks the property version" in done.err
