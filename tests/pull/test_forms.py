"""Files that a pull writes as tables, and folders with a file for each contract."""

import asyncio
import csv
from collections.abc import AsyncIterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from bus.pull import CopyDiffers, TargetInvalid, open_target
from tests.a_bus import Bus
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person
from tests.pull.a_copy import Copy, authorize

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

_ANY: dict[str, Any] = {}
_NAMES = (
    "nama",
    "lahir",
    "luas",
    "ada",
    "anak",
    "=x",
    "n",
    "x",
    "b",
    "t",
    "l",
    "besar",
    "kosong",
    "o",
    "o.x",
    "bus_key",
)
OPEN: dict[str, Any] = {
    "type": "object",
    "required": ["nik"],
    "properties": dict.fromkeys(_NAMES, _ANY) | {"nik": {"type": "string"}},
}


@pytest.fixture
async def address(bus: Bus) -> AsyncIterator[str]:
    bus.apply(a_document(a_grant("dinkes"), schema=OPEN))
    async with bus.served() as url:
        yield url


async def pull(bus: Bus, address: str, target: Path, **options: Any) -> None:
    await asyncio.to_thread(Copy(str(target)).pull, address, authorize(bus), **options)


async def pull_file(bus: Bus, address: str, target: Path, **options: Any) -> bytes:
    await pull(bus, address, target, **options)
    return await asyncio.to_thread(target.read_bytes)


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(content.decode(), newline="")))


async def test_a_sheet_follows_the_records_with_a_column_for_each_value(bus: Bus, address: str, tmp_path: Path):
    await bus.publish_all([{"nik": "01", "lahir": {"tempat": "Babat"}, "luas": 2.5}, {"nik": "02", "ada": True}])
    target = tmp_path / "warga.csv"
    assert rows(await pull_file(bus, address, target, verifies=True)) == [
        ["bus_key", "nik", "lahir.tempat", "luas", "ada"],
        ["01", "01", "Babat", "2.5", ""],
        ["02", "02", "", "", "true"],
    ]
    await bus.publish(None, subject="01")
    await bus.publish({"nik": "03", "anak": [1]})
    content = await pull_file(bus, address, target, verifies=True)
    assert rows(content) == [["bus_key", "nik", "ada", "anak"], ["02", "02", "true", ""], ["03", "03", "", "[1]"]]


async def test_a_sheet_runs_no_formula_and_keeps_a_nik_a_text(bus: Bus, address: str, tmp_path: Path):
    await bus.publish({"nik": a_nik(1), "nama": "=1+1", "=x": "a;=2"})
    content = await pull_file(bus, address, tmp_path / "warga.csv")
    assert content.decode().split("\r\n")[:2] == [
        '"bus_key","nik","nama","\'=x"',
        f'"{a_nik(1)}","{a_nik(1)}","\'=1+1","a;\'=2"',
    ]


async def test_a_parquet_file_has_the_kinds_that_hold_all_values(bus: Bus, address: str, tmp_path: Path):
    people = [
        {"nik": "01", "n": 1, "x": 1, "b": True, "t": 1, "l": [1], "besar": 2**63 + 1, "kosong": None},
        {"nik": "02", "n": None, "x": 2.5, "b": False, "t": "a", "o": {"p": 7}},
    ]
    await bus.publish_all(people)
    content = await pull_file(bus, address, tmp_path / "warga.parquet", verifies=True)
    table = parquet.read_table(BytesIO(content))
    assert {field.name: str(field.type) for field in table.schema} == {
        **dict.fromkeys(("bus_key", "nik", "t", "l", "besar", "kosong"), "string"),
        "n": "int64",
        "x": "double",
        "b": "bool",
        "o.p": "int64",
    }
    first, second = table.to_pylist()
    assert first == {"bus_key": "01", "o.p": None} | people[0] | {
        "t": "1",
        "l": "[1]",
        "besar": str(2**63 + 1),
        "x": 1.0,
    }
    assert (second["t"], second["o.p"], second["n"]) == ("a", 7, None)
    assert parquet.read_metadata(BytesIO(content)).metadata[b"bus.count"] == b"2"


@pytest.mark.parametrize("ending", ["csv", "parquet"])
async def test_no_records_are_a_table_without_rows(bus: Bus, address: str, tmp_path: Path, ending: str):
    content = await pull_file(bus, address, tmp_path / f"warga.{ending}", verifies=True)
    if ending == "csv":
        assert rows(content) == [["bus_key"]]
    else:
        assert parquet.read_table(BytesIO(content)).num_rows == 0


async def test_a_sheet_that_somebody_changed_is_found_and_written_anew(bus: Bus, address: str, tmp_path: Path):
    await bus.publish(a_person(1))
    target = tmp_path / "warga.csv"
    before = await pull_file(bus, address, target)
    Copy(str(target)).overwrite("lain")
    with pytest.raises(CopyDiffers):
        await pull(bus, address, target, verifies=True)
    assert await pull_file(bus, address, target) == before


async def test_a_folder_has_a_file_for_each_contract(bus: Bus, address: str, tmp_path: Path):
    bus.apply(a_document(a_grant("dinkes"), contract="lain.hal", schema=OPEN))
    await bus.publish({"nik": "01"})
    await bus.publish({"nik": "02"}, type="lain.hal")
    folder = tmp_path / "salinan"
    for contract in (WARGA, "lain.hal", WARGA):
        await pull(bus, address, folder, contract=contract, verifies=True)
    files = {path.name: Copy(str(path)).read() for path in folder.glob("*.ndjson")}
    assert files == {f"{WARGA}.ndjson": {"01": {"nik": "01"}}, "lain.hal.ndjson": {"02": {"nik": "02"}}}


def test_a_file_of_an_unknown_form_is_refused_before_anything_is_made(tmp_path: Path, database_url: str):
    with pytest.raises(TargetInvalid), open_target(str(tmp_path / "warga.xlsx"), WARGA):
        pass
    assert list(tmp_path.glob("warga*")) == []


async def test_two_values_whose_names_look_alike_have_columns_of_their_own(bus: Bus, address: str, tmp_path: Path):
    await bus.publish({"nik": "01", "o": {"x": "dalam"}, "o.x": "luar", "bus_key": "bukan kunci"})
    assert rows(await pull_file(bus, address, tmp_path / "warga.csv")) == [
        ["bus_key", "nik", "/o/x", "/o.x", "/bus_key"],
        ["01", "01", "dalam", "luar", "bukan kunci"],
    ]
