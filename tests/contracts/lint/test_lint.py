"""Lint: each rule with what breaks it and what does not, and the table of rules in the docs."""

import re
from pathlib import Path
from typing import Any

import pytest

from bus.contracts.binding import Binding
from bus.contracts.document import AdapterUse, Classification, Kind, parse_contract
from bus.contracts.errors import DocumentInvalid
from bus.contracts.lint import RULES, Finding, Severity, find_errors, lint_contract, lint_refused
from tests.builders import NIK, a_grant, a_strict_contract, a_strict_document
from tests.contracts.documents import ROOT, SHIPPED, shipped

QUERY = {"kind": "query", "key": None, "schema": None, "subject": "/nik"}
TEXT = {"type": "string", "maxLength": 100, "description": "Teks rekaan."}


def a_binding(use: AdapterUse) -> Binding | None:
    """What the adapter of the tests asks; it has one operation."""
    if use.operation != "terima":
        return None
    return Binding("badan", frozenset({Kind.RECORD}), Classification.PERSONAL, "/nik")


def a_schema(properties: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A schema with nothing to mend, but for the changes."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["nik"],
        "properties": {"nik": TEXT, **(properties or {})},
        **changes,
    }


def found(**changes: Any) -> list[tuple[str, str]]:
    """What is found in a document with nothing to mend but the changes."""
    document = a_strict_document(**{"schema": a_schema(), "examples": [{"nik": NIK}], **changes})
    known = {"dukcapil-lamongan", "bapenda"}
    try:
        findings = lint_contract(parse_contract(document), known, a_binding, {"badan"})
    except DocumentInvalid as refused:
        findings = lint_refused(refused, known, a_binding, {"badan"})
    return [(finding.code, finding.pointer) for finding in findings]


PUBLIC: dict[str, Any] = {"classification": "public", "consumers": [], "subject": None}
NOBODYS = {**TEXT, "maxLength": 10, "x-classification": "public"}
NIK_LIKE = {**TEXT, "pattern": "^[0-9]{16}$"}
ASKING: dict[str, Any] = {"adapters": [{"adapter": "badan", "operation": "terima"}], "consumers": [], "subject": "/nik"}
NAMA_IS = "/schema/properties/nama"

BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("document", {"kind": "riwayat"}, "/kind"),
    ("document", {"schema": a_schema({"a": {**TEXT, "format": "nik"}})}, "/schema/properties/a/format"),
    ("reference", {"schema": {"$ref": "https://contoh.example/nik.json"}}, "/schema/$ref"),
    ("reference", {"schema": {"$ref": "tiada.json"}}, "/schema/$ref"),
    ("pattern", {"schema": a_schema({"a": {**TEXT, "pattern": "(?=a)b"}})}, "/schema/properties/a/pattern"),
    ("pattern", {"schema": a_schema({"a": {**TEXT, "pattern": r"(a)\1"}})}, "/schema/properties/a/pattern"),
    (
        "grant",
        {"consumers": [{"participant": "bapenda", "purpose": "x", "until": "2027-12-31"}]},
        "/consumers/0/legal_basis",
    ),
    ("pointer", {"delivery": {"ordered_by": "/tanggal"}}, "/delivery/ordered_by"),
    ("required", {"schema": a_schema({"nama": TEXT}), "key": "/nama", "subject": "/nik"}, "/key"),
    ("required", {"schema": a_schema({"nama": TEXT}), "subject": "/nama"}, "/subject"),
    ("example", {"examples": [{"nik": NIK}, {"nik": 5}]}, "/examples/1/nik"),
    ("examples", {"examples": []}, "/examples"),
    ("placeholder", {"title": "<apa datanya, dalam satu baris>"}, "/title"),
    ("placeholder", {"schema": a_schema({"a": {**TEXT, "description": "<arti>"}})}, "/schema/properties/a/description"),
    ("name", {"schema": a_schema({"kodeWilayah": TEXT})}, "/schema/properties/kodeWilayah"),
    ("description", {"schema": a_schema({"a": {"type": "string", "maxLength": 5}})}, "/schema/properties/a"),
    ("type", {"schema": a_schema({"a": {"description": "Apa saja."}})}, "/schema/properties/a"),
    ("bound", {"schema": a_schema({"a": {"type": "string", "description": "Teks."}})}, "/schema/properties/a"),
    ("bound", {"schema": a_schema({"a": {**TEXT, "type": "array", "items": TEXT}})}, "/schema/properties/a"),
    (
        "bound",
        {
            "schema": a_schema(
                {"a": {"type": "array", "description": "Teks.", "maxItems": 5, "items": {"type": "string"}}}
            )
        },
        "/schema/properties/a/items",
    ),
    ("bound", {"schema": a_schema({"a": {**TEXT, "maxLength": None, "pattern": "^[0-9]+$"}})}, "/schema/properties/a"),
    ("closed", {"schema": a_schema(additionalProperties=None)}, "/schema"),
    ("closed", {"schema": a_schema({"a": {"type": "object", "description": "Alamat."}})}, "/schema/properties/a"),
    ("keyword", {"schema": a_schema({"a": {**TEXT, "minlength": 5}})}, "/schema/properties/a/minlength"),
    ("personal-data", {**PUBLIC, "schema": a_schema({"nik": NOBODYS, "nama": TEXT})}, NAMA_IS),
    ("identifier", {**PUBLIC, "schema": a_schema({"nik": NOBODYS, "kode": NIK_LIKE})}, "/schema/properties/kode"),
    ("identifier", {**PUBLIC, "schema": a_schema({"nik": {**NOBODYS, "maxLength": 16}})}, "/schema/properties/nik"),
    ("adapter", {**ASKING, "classification": "internal"}, "/classification"),
    ("contact", {**PUBLIC, "schema": a_schema({"nik": NOBODYS, "no_hp": TEXT})}, "/schema/properties/no_hp"),
    ("contact", {**PUBLIC, "schema": a_schema({"nik": NOBODYS, "nama": TEXT, "alamat": TEXT})}, NAMA_IS),
    (
        "contact",
        {**PUBLIC, "schema": a_schema({"nik": NOBODYS, "a": {"$ref": "#/$defs/nip"}}, **{"$defs": {"nip": TEXT}})},
        "/schema/properties/a",
    ),
    ("excluded", {"schema": a_schema({"a": {**TEXT, "enum": ["ya", False]}})}, "/schema/properties/a/enum/1"),
    ("excluded", {"schema": a_schema({"a": {**TEXT, "const": 35}})}, "/schema/properties/a/const"),
    ("excluded", {"schema": a_schema({"a": {**TEXT, "type": "integer", "const": 1.5}})}, "/schema/properties/a/const"),
    ("operation", {"adapters": [{"adapter": "badan", "operation": "tiada"}]}, "/adapters/0/operation"),
    ("elsewhere", {"adapters": [{"adapter": "badann", "operation": "terima"}]}, "/adapters/0/adapter"),
    ("ended", {"consumers": [a_grant(until="2020-12-31")]}, "/consumers/0/until"),
    ("backtracking", {"schema": a_schema({"a": {**TEXT, "pattern": "^(a+)+$"}})}, "/schema/properties/a/pattern"),
    ("masked-key", {"consumers": [a_grant(mask={"/nik": "last4"})]}, "/consumers/0/mask/~1nik"),
    (
        "masked-key",
        {"producers": ["bapenda"], "consumers": [a_grant(mask={"/nik": "pseudonym"})]},
        "/consumers/0/mask/~1nik",
    ),
    ("attribute", {"attributes": ["wilayah", "sequence"]}, "/attributes/1"),
    ("pointer", {"filterable": ["/nama", "/tidak_ada"]}, "/filterable/1"),
    ("participant", {"producers": ["dukcapil-lamongan", "dinkess"]}, "/producers/1"),
    ("participant", {"consumers": [a_grant(participant="bapendaa")]}, "/consumers/0/participant"),
]

SOUND: list[tuple[str, dict[str, Any]]] = [
    ("document", {"schema": a_schema({"a": {**TEXT, "format": "date"}})}),
    ("reference", {"schema": a_schema({"a": {"$ref": "#/$defs/a", "description": "Teks."}}, **{"$defs": {"a": TEXT}})}),
    ("pattern", {"schema": a_schema({"a": {**TEXT, "pattern": "^(?:ab|c)+$"}})}),
    (
        "grant",
        {
            "classification": "internal",
            "schema": a_schema(properties={"nik": {**NOBODYS, "x-classification": "internal"}}),
            "examples": [{"nik": "K-17"}],
            "consumers": [{"participant": "bapenda"}],
        },
    ),
    ("pointer", {"delivery": {"ordered_by": "/nik"}}),
    ("required", {"key": "/nik", "subject": "/nik"}),
    (
        "required",
        {
            "schema": a_schema({"nama": TEXT}, **{"if": {"required": ["nama"]}, "else": {"required": ["nama"]}}),
            "subject": "/nama",
            "examples": [{"nik": NIK, "nama": "Rekaan"}],
        },
    ),
    ("example", {"examples": [{"nik": NIK}]}),
    ("examples", {"examples": [{"nik": NIK}]}),
    ("placeholder", {"title": "Nilai < 5 dan > 3"}),
    ("placeholder", {"schema": a_schema({"nama": TEXT}), "examples": [{"nik": NIK, "nama": "<nama>"}]}),
    ("name", {"schema": a_schema({"kode_wilayah_2": TEXT})}),
    (
        "description",
        {
            "schema": a_schema(
                {"a": {"$ref": "#/$defs/a"}}, **{"$defs": {"a": TEXT}, "if": {"properties": {"a": {"const": "x"}}}}
            )
        },
    ),
    ("type", {"schema": a_schema({"a": {"enum": ["x", None], "description": "Satu."}})}),
    ("bound", {"schema": a_schema({"a": {"type": "string", "format": "date", "description": "Hari."}})}),
    ("bound", {"schema": a_schema({"a": {"type": "string", "pattern": "^[0-9]{16}$", "description": "NIK."}})}),
    ("closed", {"schema": a_schema(additionalProperties=None, unevaluatedProperties=False)}),
    ("closed", {"schema": a_schema(additionalProperties=TEXT)}),
    ("keyword", {"schema": a_schema({"a": {**TEXT, "x-satuan": "m", "$comment": "Bebas."}})}),
    ("personal-data", {"classification": "personal"}),
    (
        "identifier",
        {
            **PUBLIC,
            "schema": a_schema({"nik": NOBODYS, "kode": {**TEXT, "pattern": "^[0-9]{18}$"}}),
            "examples": [{"nik": "K-17"}],
        },
    ),
    ("adapter", ASKING),
    ("operation", ASKING),
    ("elsewhere", ASKING),
    ("ended", {"consumers": [a_grant()]}),
    ("excluded", {"schema": a_schema({"a": {**TEXT, "type": ["integer", "null"], "enum": [1, 2.0, None]}})}),
    (
        "contact",
        {
            **PUBLIC,
            "schema": a_schema({"nik": NOBODYS, "telepon": NOBODYS, "nama": NOBODYS, "alamat": NOBODYS}),
            "examples": [{"nik": "K-17"}],
        },
    ),
    ("personal-data", {**PUBLIC, "schema": a_schema({"nik": NOBODYS}), "examples": [{"nik": "K-17"}]}),
    ("backtracking", {"schema": a_schema({"a": {**TEXT, "pattern": "^a+(-a+)*$"}})}),
    ("masked-key", {"consumers": [a_grant(fields=["/nik"], mask={"/nik": "pseudonym"})]}),
    ("attribute", {"attributes": ["wilayah"]}),
    ("participant", {"producers": ["dukcapil-lamongan", "bapenda"]}),
]


def test_a_pattern_that_cannot_be_read_hides_no_other_finding() -> None:
    unreadable = {**TEXT, "pattern": "(?=a)b"}
    schema = a_schema({"a": unreadable, "b": {**TEXT, "format": "telepon"}, "kodeWilayah": TEXT})
    assert set(found(schema=schema, examples=[])) == {
        ("pattern", "/schema/properties/a/pattern"),
        ("document", "/schema/properties/b/format"),
        ("name", "/schema/properties/kodeWilayah"),
        ("examples", "/examples"),
    }


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_none(inner) for name, inner in value.items() if inner is not None}
    return value


@pytest.mark.parametrize(
    ("code", "changes", "pointer"), BROKEN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_breaks_a_rule_is_found_where_it_stands(code: str, changes: dict[str, Any], pointer: str) -> None:
    schema = {"schema": without_none(changes["schema"])} if "schema" in changes else {}
    assert (code, pointer) in found(**{**changes, **schema})


@pytest.mark.parametrize(("code", "changes"), SOUND, ids=lambda value: value if isinstance(value, str) else "")
def test_what_keeps_the_rules_is_left_alone(code: str, changes: dict[str, Any]) -> None:
    schema = {"schema": without_none(changes["schema"])} if "schema" in changes else {}
    assert found(**{**changes, **schema}) == []


def test_every_rule_has_what_breaks_it_and_what_does_not() -> None:
    codes = [rule.code for rule in RULES]
    assert {code for code, _, _ in BROKEN} == {code for code, _ in SOUND} == set(codes)
    assert len(codes) == len(set(codes))


def test_the_docs_have_every_rule_with_its_words() -> None:
    section = (ROOT / "docs/contracts.md").read_text().partition("\n## Lint\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.+) \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert rows == [(rule.code, rule.severity.value, rule.asks, rule.reason, rule.fix) for rule in RULES]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_contract_has_nothing_to_mend(path: Path) -> None:
    assert lint_contract(shipped(path)) == []


def test_errors_come_first_and_alone_keep_a_contract_from_becoming_active() -> None:
    contract = a_strict_contract(schema=a_schema({"kodeWilayah": TEXT}), examples=[{"nik": 5}])
    assert [finding.severity for finding in lint_contract(contract)] == [Severity.ERROR, Severity.WARNING]
    assert [finding.code for finding in find_errors(contract)] == ["example"]


def test_a_finding_says_what_to_do() -> None:
    (finding,) = lint_contract(
        a_strict_contract(schema=a_schema({"a": {**TEXT, "maxlength": 5}}), examples=[{"nik": NIK}])
    )
    assert finding == Finding(
        "keyword",
        Severity.WARNING,
        "/schema/properties/a/maxlength",
        "is not a keyword of JSON Schema; maxLength is",
        "Mend the spelling; write an annotation of your own as `x-…`.",
    )


def test_a_definition_that_several_fields_use_is_found_once() -> None:
    part = {"$ref": "#/$defs/a", "description": "Teks."}
    schema = a_schema({"a": part, "b": part}, **{"$defs": {"a": {"type": "object", "properties": {"c": TEXT}}}})
    assert found(schema=schema) == [("closed", "/schema/properties/a"), ("closed", "/schema/properties/b")]


def test_without_the_bus_nobody_is_unknown() -> None:
    assert "participant" not in {finding.code for finding in lint_contract(a_strict_contract(owner="siapa-saja"))}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"key": "/nomor", "subject": "/nik"}, "/key"),
        ({"subject": "/alamat/nik"}, "/subject"),
        ({"consumers": [a_grant(fields=["/nik", "/nama/depan"])]}, "/consumers/0/fields/1"),
        ({"consumers": [a_grant(fields=["/keluarga/nik"])]}, "/consumers/0/fields/0"),
        ({"consumers": [a_grant(mask={"/alamat/rt": "redact"})]}, "/consumers/0/mask/~1alamat~1rt"),
        ({"consumers": [a_grant(rows=[{"not": {"any": [{"exact": {"wilayah": "35"}}]}}])]}, "/consumers/0/rows/0"),
    ],
)
def test_a_pointer_at_nothing_is_found(changes: dict[str, Any], pointer: str) -> None:
    assert [(one.code, one.pointer) for one in find_errors(a_strict_contract(**changes))] == [("pointer", pointer)]


def test_pointers_are_followed_through_references_forms_and_items() -> None:
    schema = {
        "$defs": {"orang": {"properties": {"nik": {"type": "string"}}, "required": ["nik"]}},
        "allOf": [{"$ref": "#/$defs/orang"}],
        "oneOf": [{"properties": {"a": {"items": {"$ref": "#/$defs/orang"}}}}, {"properties": {"b": {"$ref": "#"}}}],
        "patternProperties": {"^x_": {"properties": {"y": {}}}},
    }
    consumers = [a_grant(fields=["/nik", "/a/*/nik", "/b/b/b/nik", "/x_1/y"])]
    assert find_errors(a_strict_contract(schema=schema, consumers=consumers, examples=[])) == []


def test_both_sides_of_a_query_s_example_are_checked() -> None:
    schemas: dict[str, Any] = {
        "request": {"properties": {"nik": {"type": "string"}}, "required": ["nik"]},
        "answer": {"properties": {"ada": {"type": "boolean"}}},
    }
    example = {"request": {"nik": 5}, "answer": {"ada": 5}}
    found = find_errors(a_strict_contract(**QUERY, **schemas, examples=[example]))
    assert [(one.code, one.pointer) for one in found] == [
        ("example", "/examples/0/request/nik"),
        ("example", "/examples/0/answer/ada"),
    ]


def test_a_query_s_grants_point_into_the_answer_and_its_subject_into_the_question() -> None:
    schemas: dict[str, Any] = {
        "request": {"properties": {"nik": {}}, "required": ["nik"]},
        "answer": {"properties": {"ada": {}}},
    }
    found = find_errors(
        a_strict_contract(**QUERY, **schemas, examples=[], consumers=[a_grant(fields=["/ada", "/nik"])])
    )
    assert [(one.code, one.pointer) for one in found] == [("pointer", "/consumers/0/fields/1")]


def test_a_pattern_made_to_be_slow_does_not_hold_lint_up() -> None:
    consumers = [a_grant(fields=[f"/{'a' * 100}!"])]
    schema = {"properties": {"nik": {}}, "required": ["nik"], "patternProperties": {"^(a+)+$": {}}}
    found = find_errors(a_strict_contract(schema=schema, consumers=consumers, examples=[]))
    assert [(one.code, one.pointer) for one in found] == [("pointer", "/consumers/0/fields/0")]
