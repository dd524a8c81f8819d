"""Contract documents: read, bounded, made self-contained."""

import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bus import json
from bus.contracts.document import Classification, Kind, Mask, load_contract, parse_contract, parse_contract_text
from bus.contracts.errors import DocumentInvalid
from tests.builders import a_grant, a_strict_contract, a_strict_document
from tests.contracts.documents import SHIPPED, shipped


def _wrong(document: Any) -> list[str]:
    with pytest.raises(DocumentInvalid) as refused:
        parse_contract(document)
    return [error.pointer for error in refused.value.errors]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of contracts with a schema that refers to another and back."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "contracts").mkdir()
    (tmp_path / "schemas" / "orang.schema.json").write_bytes(
        json.dumps(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": "https://bus.example/orang",
                "properties": {"nik": {"$ref": "umum.json#/$defs/nik"}, "ibu": {"$ref": "#"}},
                "required": ["nik"],
            }
        )
    )
    (tmp_path / "schemas" / "umum.json").write_bytes(
        json.dumps(
            {
                "$defs": {
                    "nik": {"$ref": "#/$defs/angka"},
                    "angka": {"type": "string"},
                    "orang": {"$ref": "orang.schema.json"},
                }
            }
        )
    )
    return tmp_path


def _written(folder: Path, schema: Any, name: str = "uji.json") -> Path:
    path = folder / "contracts" / name
    path.write_bytes(json.dumps(a_strict_document(schema=schema, examples=[])))
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_contract_stands_alone_once_loaded(path: Path) -> None:
    contract = shipped(path)
    assert parse_contract(json.loads(json.dumps(contract.document))) == contract


def test_a_document_becomes_a_value() -> None:
    contract = a_strict_contract(
        consumers=[a_grant(fields=["/nik"], mask={"/nik": "last4"}, rows=[{"prefix": {"kode_wilayah": "35"}}])],
        delivery={"ordered_by": "/nik", "max_bytes": 4096},
        adapters=[{"adapter": "kemendagri", "operation": "verifikasi"}],
    )
    grant = contract.grant("bapenda")
    assert (contract.kind, contract.classification, contract.person) == (Kind.RECORD, Classification.PERSONAL, "/nik")
    assert (contract.delivery.ordered_by, contract.delivery.max_bytes, contract.delivery.retention_days) == (
        "/nik",
        4096,
        None,
    )
    assert grant is not None
    assert (grant.until, grant.fields, grant.mask) == (date(2099, 12, 31), ("/nik",), {"/nik": Mask.LAST4})


def test_files_that_a_schema_refers_to_come_into_it(folder: Path) -> None:
    contract = load_contract(_written(folder, {"$ref": "../schemas/orang.schema.json"}))
    assert contract.schema == {
        "properties": {"nik": {"$ref": "#/$defs/umum/$defs/nik"}, "ibu": {"$ref": "#"}},
        "required": ["nik"],
        "$defs": {
            "umum": {
                "$defs": {
                    "nik": {"$ref": "#/$defs/umum/$defs/angka"},
                    "angka": {"type": "string"},
                    "orang": {"$ref": "#"},
                }
            }
        },
    }


def test_a_reference_into_a_file_keeps_its_pointer(folder: Path) -> None:
    contract = load_contract(_written(folder, {"properties": {"nik": {"$ref": "../schemas/umum.json#/$defs/nik"}}}))
    assert contract.sent["properties"]["nik"] == {"$ref": "#/$defs/umum/$defs/nik"}


def test_a_file_does_not_take_the_name_of_a_definition_that_is_there(folder: Path) -> None:
    contract = load_contract(
        _written(folder, {"$defs": {"umum": {"type": "integer"}}, "items": {"$ref": "../schemas/umum.json#/$defs/nik"}})
    )
    assert contract.sent["items"] == {"$ref": "#/$defs/umum-2/$defs/nik"}
    assert contract.sent["$defs"]["umum"] == {"type": "integer"}


def test_what_only_looks_like_a_reference_is_left_alone(folder: Path) -> None:
    schema = {"const": {"$ref": "x.json"}, "properties": {"$ref": {"type": "string"}}}
    assert load_contract(_written(folder, schema)).schema == schema


@pytest.mark.parametrize(
    "reference",
    [
        "https://example.test/schema.json",
        "file:///etc/passwd",
        "/etc/passwd",
        "../../../../../../../../etc/passwd",
        "..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd",
        "../schemas/tiada.json",
        "../schemas/umum.json#jangkar",
    ],
)
def test_a_reference_to_elsewhere_is_refused(folder: Path, reference: str) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        load_contract(_written(folder, {"properties": {"a": {"$ref": reference}}}))
    assert [error.pointer for error in refused.value.errors] == ["/schema/properties/a/$ref"]


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("luar") / "rahasia.json"
    outside.write_text("{}")
    (folder / "schemas" / "tautan.json").symlink_to(outside)
    with pytest.raises(DocumentInvalid):
        load_contract(_written(folder, {"$ref": "../schemas/tautan.json"}))


def test_files_that_only_refer_to_each_other_are_refused(folder: Path) -> None:
    (folder / "schemas" / "a.json").write_text('{"$ref": "b.json"}')
    (folder / "schemas" / "b.json").write_text('{"$ref": "a.json"}')
    with pytest.raises(DocumentInvalid):
        load_contract(_written(folder, {"$ref": "../schemas/a.json"}))


@pytest.mark.parametrize(
    "text",
    ['{"$ref": 5}', '{"$defs": 5}', '{"allOf": 5}', "[]", '{"$schema": 5}', '{"$schema": "https://evil.test/"}', "{"],
)
def test_a_file_that_is_no_schema_is_refused(folder: Path, text: str) -> None:
    (folder / "schemas" / "rusak.json").write_text(text)
    for schema in ({"$ref": "../schemas/rusak.json"}, {"items": {"$ref": "../schemas/rusak.json"}}):
        with pytest.raises(DocumentInvalid):
            load_contract(_written(folder, schema))


def test_a_document_that_comes_alone_may_refer_to_no_file() -> None:
    assert _wrong(a_strict_document(schema={"$ref": "../schemas/a.json"})) == ["/schema/$ref"]


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/schema/$schema"),
        ({"properties": {"a": {"$id": "https://evil.test/"}}}, "/schema/properties/a/$id"),
        ({"$anchor": "a"}, "/schema/$anchor"),
        ({"items": {"$dynamicRef": "#a"}}, "/schema/items/$dynamicRef"),
        ({"properties": {"a": {"format": "idn-hostname"}}}, "/schema/properties/a/format"),
        ({"properties": {"a": {"pattern": "(?=x)"}}}, "/schema/properties/a/pattern"),
        ({"patternProperties": {"[": {}}}, "/schema/patternProperties"),
        ({"properties": {"a": {"$ref": "#/$defs/tiada"}}}, "/schema"),
        ({"properties": {"a": {"type": "text"}}}, "/schema/properties/a/type"),
    ],
)
def test_a_schema_outside_what_contracts_may_use_is_refused_with_its_place(schema: Any, pointer: str) -> None:
    assert _wrong(a_strict_document(schema=schema))[0].startswith(pointer)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "riwayat"}, "/kind"),
        ({"title": None}, "/title"),
        ({"warna": "biru"}, "/warna"),
        ({"key": None}, "/key"),
        ({"version": "1.0"}, "/version"),
        ({"version": 1.0}, "/version"),
        ({"contract": "kependudukan.uji\n"}, "/contract"),
        ({"consumers": [a_grant(until="2027-02-30")]}, "/consumers/0/until"),
        ({"consumers": [a_grant(), a_grant()]}, "/consumers/1/participant"),
        ({"consumers": [a_grant(rows=[{"prefix": {"a": 35.24}}])]}, "/consumers/0/rows/0/prefix/a"),
        ({"consumers": [a_grant(mask={"/nik": "rot13"})]}, "/consumers/0/mask/~1nik"),
    ],
)
def test_a_document_of_another_form_is_refused_with_its_place(changes: dict[str, Any], pointer: str) -> None:
    assert pointer in _wrong(a_strict_document(**changes))


def test_the_idiom_for_python_s_dollar_is_the_same_pattern() -> None:
    contract = a_strict_contract(schema={"properties": {"nik": {"pattern": r"^[0-9]+$(?!\n)"}}})
    assert contract.sent["properties"]["nik"]["pattern"] == "^[0-9]+$"


def test_yaml_dates_stay_texts() -> None:
    text = json.dumps(a_strict_document()).replace(b'"2099-12-31"', b"2099-12-31")
    grant = parse_contract_text(b"# YAML\n" + text).grant("bapenda")
    assert grant is not None
    assert grant.until == date(2099, 12, 31)


def _doubling(levels: int) -> dict[str, Any]:
    definitions = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{levels}": {"type": "object"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"not": {"$ref": "#"}}]},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        _doubling(40),
        {"$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(5000)} | {"d5000": {}}},
        {"$defs": {f"d{n}": {"pattern": "^[a-z]{1000}$"} for n in range(600)}},
        {"pattern": "(a{1,1000}){1,1000}"},
        {"patternProperties": {"(": {}}},
        {"properties": "x", "pattern": 5},
    ],
    ids=lambda schema: str(schema)[:30],
)
def test_a_hostile_schema_is_refused_in_bounded_time(schema: Any) -> None:
    began = time.process_time()
    assert _wrong(a_strict_document(schema=schema, examples=[]))
    assert time.process_time() - began < 5


def test_a_schema_may_refer_to_itself_below() -> None:
    assert a_strict_contract(schema={"properties": {"nik": {}, "anak": {"items": {"$ref": "#"}}}}).schema


LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n".encode()
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        b"a: &a [*a]",
        b"[" * 100_000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b"x" * (1024 * 1024 + 1),
        b"a: [unclosed",
        b"!!python/object/apply:os.system ['true']",
        b"a: 123456789012345678901234567890",
        b"? [a, b]\n: c",
        b'"\\ud800"',
        b"\x00",
        b"\xff\xfe",
        b"a: !!timestamp 2026-99-99",
        b"",
        b"[]",
        b"5",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_a_hostile_text_is_refused(text: bytes) -> None:
    with pytest.raises(DocumentInvalid):
        parse_contract_text(text)
