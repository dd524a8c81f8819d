"""What an adapter's operations say that they map is what they map: who changes a contract is told by it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.bappenas import mapping as bappenas
from adapters.kemendagri import mapping as kemendagri
from adapters.kominfo import mapping as kominfo
from adapters.ksp import mapping as ksp
from adapters.pupr import mapping as pupr
from bus.agencies.offers import list_mapped_fields
from bus.contracts.document import AdapterUse

ROOT = Path(__file__).parents[2]
PATHS = sorted(path for path in (ROOT / "contracts").rglob("*.yaml") if path.parent.name != "adapter")
DOCUMENTS = {path.stem: yaml.safe_load(path.read_text()) for path in PATHS}
READERS: dict[tuple[str, str, str], Callable[[Any], Any]] = {
    ("kemendagri", "data-balikan", "data-balikan"): lambda data: kemendagri.write_usage([data], "1", "Lamongan"),
    ("kominfo", "katalog", "katalog"): kominfo.write_service,
    ("pupr", "ruas-jalan", "ruas-jalan"): pupr.write_feature,
    ("bappenas", "dataset", "dataset"): lambda data: bappenas.write_package(data, "lamongan"),
    ("bappenas", "kegiatan", "kegiatan"): bappenas.write_activity,
}


class Read(dict[str, Any]):
    """Data that remember which of their properties were asked for."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(data)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)


def _properties(document: dict[str, Any], path: Path) -> Iterator[str]:
    for part in ("schema", "request", "answer"):
        if part in document:
            schema = json.loads((path.parent / document[part]["$ref"]).read_text())
            yield from schema["properties"]


@pytest.mark.parametrize(("adapter", "operation", "contract"), READERS)
def test_an_operation_names_what_its_mapping_reads(adapter: str, operation: str, contract: str) -> None:
    read = Read(DOCUMENTS[contract]["examples"][0])
    READERS[adapter, operation, contract](read)
    assert read.names == {pointer[1:] for pointer in list_mapped_fields()[AdapterUse(adapter, operation)]}


def test_a_followup_is_mapped_from_what_it_names() -> None:
    read = Read(DOCUMENTS["tindak-lanjut"]["examples"][0])
    ksp.write_followup(read)
    assert read.names | {"nomor_laporan"} == {pointer[1:] for pointer in ksp.FOLLOWUP_FIELDS}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_an_operation_maps_is_in_its_contract(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    properties = set(_properties(document, path))
    for use in document.get("adapters", ()):
        fields = list_mapped_fields()[AdapterUse(use["adapter"], use["operation"])]
        assert fields
        assert {pointer[1:] for pointer in fields} <= properties
