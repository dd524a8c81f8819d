"""Contracts in the Open Data Contract Standard: valid by its schema, the same after an import."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import json
from bus.contracts.document import Classification, Contract, parse_contract
from bus.contracts.errors import DocumentInvalid
from bus.contracts.lifecycle import State
from bus.contracts.odcs import OdcsAnswers, OdcsInvalid, OdcsSaysMore, read_odcs, write_odcs
from bus.contracts.odcs.official import STANDARD, check_official
from tests.builders import a_strict_contract, a_strict_document
from tests.contracts.documents import SHIPPED, shipped

CONTRACTS = [shipped(path) for path in SHIPPED]
FOREIGN: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "53581432-6c55-4ba2-a65f-72344a91553b",
    "name": "Pasar daerah",
    "version": "1.2.0",
    "status": "active",
    "domain": "Perdagangan",
    "description": {"purpose": "Pasar milik daerah dan jumlah losnya."},
    "team": {"name": "Disperindag"},
    "schema": [
        {
            "name": "Pasar",
            "properties": [
                {"name": "kode", "logicalType": "string", "required": True, "primaryKey": True},
                {"name": "dibuka", "logicalType": "date", "description": "Hari pertama.", "examples": ["2001-01-31"]},
                {"name": "los", "logicalType": "integer", "logicalTypeOptions": {"minimum": 0}},
                {
                    "name": "kelas",
                    "logicalType": "string",
                    "quality": [{"metric": "invalidValues", "arguments": {"validValues": ["A", "B"]}, "mustBe": 0}],
                },
                {"name": "letak", "logicalType": "object", "properties": [{"name": "desa", "logicalType": "string"}]},
                {"name": "hari", "logicalType": "array", "items": {"logicalType": "string"}},
            ],
        }
    ],
}


def test_the_standards_schema_is_the_one_that_the_manifest_names() -> None:
    manifest = json.loads((STANDARD / "manifest.json").read_bytes())
    files = {path.name: path for path in STANDARD.iterdir() if path.name != "manifest.json"}
    assert files.keys() == manifest["files"].keys()
    for name, path in files.items():
        assert "sha512-" + b64encode(hashlib.sha512(path.read_bytes()).digest()).decode() == manifest["files"][name]
    schema = json.loads((STANDARD / "odcs-v3.1.0.schema.json").read_bytes())
    assert schema["properties"]["apiVersion"]["default"] == f"v{manifest['standard_version']}"


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_a_shipped_contract_is_the_same_after_export_and_import(contract: Contract) -> None:
    written = write_odcs(contract, State.ACTIVE)
    check_official(written)
    assert written["status"] == "active"
    assert read_odcs(written) == contract.document


def test_a_grant_is_told_in_terms_of_the_vocabulary() -> None:
    contract = next(one for one in CONTRACTS if one.name == "kependudukan.penduduk")
    told = {role["role"]: role for role in write_odcs(contract)["roles"]}
    grant = next(one for one in contract.document["consumers"] if one.get("mask"))
    customs = {one["property"]: one["value"] for one in told[grant["participant"]]["customProperties"]}
    assert customs["dpv:hasPurpose"] == grant["purpose"]
    assert customs["dpv:hasLegalBasis"] == grant["legal_basis"]
    assert customs["dpv:hasTechnicalMeasure"] == grant["mask"]


TEXTS = st.text(min_size=1, max_size=20).filter(str.strip)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "a"]), inner, max_size=2),
    max_leaves=5,
)
POINTERS = st.sampled_from(["/nik", "/nama", "/a~1b", "/anak/*/nik"])
SCHEMAS = st.recursive(
    st.sampled_from(
        [
            {"type": "string", "minLength": 1, "maxLength": 3, "format": "uuid"},
            {"type": "string", "format": "date"},
            {"type": ["integer", "null"], "minimum": 0.0, "multipleOf": 2},
            {"type": "number", "exclusiveMaximum": 1e3},
            {"const": None},
            {"enum": ["a", 1, {"name": "a"}]},
            {"$ref": "#/$defs/diri"},
            {"$ref": "#/$defs/teks", "description": "Teks."},
            {"title": "Apa saja"},
        ]
    ),
    lambda inner: (
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(TEXTS, inner | st.booleans(), max_size=3)},
            optional={"required": st.lists(TEXTS, unique=True, max_size=2), "minProperties": st.just(1)},
        )
        | st.fixed_dictionaries({"type": st.just("array"), "items": inner, "minItems": st.just(2.0)})
        | st.fixed_dictionaries({"type": st.just("array"), "prefixItems": st.lists(inner, min_size=1, max_size=2)})
        | st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)})
        | st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)})
    ),
    max_leaves=8,
)
GRANTS = st.fixed_dictionaries(
    {"purpose": TEXTS, "legal_basis": TEXTS, "until": st.dates().map(str)},
    optional={
        "fields": st.lists(POINTERS, min_size=1, max_size=3, unique=True),
        "mask": st.dictionaries(POINTERS, st.sampled_from(["redact", "last4", "year"]), max_size=2),
        "rows": st.just([{"any": [{"prefix": {"nama": "a"}}, {"not": {"exact": {"/a~1b": "x"}}}]}]),
    },
)
DEFINITIONS = {
    "diri": {"type": "object", "properties": {"anak": {"$ref": "#/$defs/diri"}}},
    "teks": {"type": "string"},
}
DOCUMENTS = st.fixed_dictionaries(
    {
        "title": TEXTS,
        "classification": st.sampled_from(["public", "internal", "personal", "sensitive"]),
        "consumers": st.lists(GRANTS, max_size=3).map(
            lambda grants: [{"participant": f"dinas-{n}", **grant} for n, grant in enumerate(grants)]
        ),
        "schema": st.dictionaries(TEXTS, SCHEMAS, max_size=3).map(
            lambda members: {
                "type": "object",
                "properties": {**members, "nik": {"type": "string"}},
                "required": ["nik"],
                "$defs": DEFINITIONS,
            }
        ),
    },
    optional={
        "description": TEXTS,
        "compatibility": st.sampled_from(["backward", "none"]),
        "subject": POINTERS,
        "examples": st.lists(VALUES, max_size=2),
        "delivery": st.fixed_dictionaries({}, optional={"retention_days": st.integers(1, 9), "ordered_by": POINTERS}),
        "attributes": st.just(["traceparent"]),
        "filterable": st.just([]),
        "producers": st.just(["dukcapil-lamongan", "dinkes"]),
        "adapters": st.just([{"adapter": "ksp", "operation": "laporan"}]),
    },
)  # fmt: skip


@given(DOCUMENTS)
@settings(deadline=None, max_examples=100)
def test_no_contract_loses_anything_by_export_and_import(changes: dict[str, Any]) -> None:
    contract = parse_contract(a_strict_document(**changes))
    written = json.loads(json.dumps(write_odcs(contract)))
    check_official(written)
    assert read_odcs(written) == contract.document


def test_a_document_from_elsewhere_becomes_a_contract() -> None:
    answers = OdcsAnswers(classification=Classification.PUBLIC, name="perdagangan.pasar")
    with pytest.raises(OdcsSaysMore) as refused:
        read_odcs(FOREIGN, answers)
    assert [error.pointer for error in refused.value.errors] == ["/id", "/domain", "/team/name", "/schema/0/name"]
    document = read_odcs(FOREIGN, OdcsAnswers(classification=Classification.PUBLIC), leave_out=True)
    contract = parse_contract(document)
    assert (contract.name, contract.version, contract.owner, contract.key) == (
        "perdagangan.pasar",
        "1.2.0",
        "disperindag",
        "/kode",
    )
    assert contract.sent == {
        "type": "object",
        "additionalProperties": False,
        "required": ["kode"],
        "properties": {
            "kode": {"type": "string"},
            "dibuka": {
                "type": "string",
                "format": "date",
                "description": "Hari pertama.",
                "examples": ["2001-01-31"],
            },
            "los": {"type": "integer", "minimum": 0},
            "kelas": {"type": "string", "enum": ["A", "B"]},
            "letak": {"type": "object", "properties": {"desa": {"type": "string"}}, "additionalProperties": False},
            "hari": {"type": "array", "items": {"type": "string"}},
        },
    }


def test_what_a_document_from_elsewhere_does_not_say_is_asked_for() -> None:
    with pytest.raises(DocumentInvalid) as refused:
        read_odcs(FOREIGN, leave_out=True)
    assert [error.pointer for error in refused.value.errors] == ["/classification"]


def test_a_role_from_elsewhere_grants_nothing() -> None:
    document = FOREIGN | {"roles": [{"role": "bapenda", "access": "read"}]}
    answers = OdcsAnswers(classification=Classification.PUBLIC)
    assert "consumers" not in read_odcs(document, answers, leave_out=True)
    with pytest.raises(OdcsSaysMore) as refused:
        read_odcs(document, answers)
    assert "/roles" in [error.pointer for error in refused.value.errors]


def _exported() -> Any:
    grant = {"participant": "bapenda", "purpose": "uji", "legal_basis": "PKS 1", "until": "2099-12-31"}
    return json.loads(json.dumps(write_odcs(a_strict_contract(consumers=[grant]))))


def test_a_change_that_the_import_would_lose_is_refused() -> None:
    changed: dict[str, Callable[[Any], Any]] = {
        "/schema/0/properties/0/description": lambda one: one["schema"][0]["properties"][0].update(description="Lain."),
        "/schema/0/properties/0": lambda one: one["schema"][0]["properties"].pop(0),
        "/servers": lambda one: one.update(servers=[{"server": "a", "type": "api", "location": "https://a.example"}]),
        "/roles/0/description": lambda one: one["roles"][0].update(description="tujuan lain"),
        "/roles/0/role": lambda one: one["roles"][0].update(role="dinkes"),
    }
    for pointer, change in changed.items():
        document = deepcopy(_exported())
        change(document)
        with pytest.raises(OdcsSaysMore) as refused:
            read_odcs(document)
        assert pointer in [error.pointer for error in refused.value.errors], pointer


def test_what_the_standard_refuses_is_refused_with_pointers() -> None:
    with pytest.raises(OdcsInvalid) as refused:
        read_odcs(FOREIGN | {"version": 1, "rahasia": True})
    assert {error.pointer for error in refused.value.errors} == {"", "/version"}
    with pytest.raises(OdcsInvalid):
        read_odcs([1])


def test_a_schema_that_holds_itself_is_written_to_a_depth() -> None:
    tree = {"type": "array", "items": {"type": "object", "properties": {"anak": {"$ref": "#/$defs/pohon"}}}}
    schema = {"type": "object", "properties": {"nik": {"type": "string"}, "pohon": {"$ref": "#/$defs/pohon"}}}
    contract = a_strict_contract(schema=schema | {"required": ["nik"], "$defs": {"pohon": tree}}, examples=None)
    assert read_odcs(write_odcs(contract)) == contract.document
