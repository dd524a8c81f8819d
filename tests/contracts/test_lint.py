"""Lint: each rule with what breaks it."""

from pathlib import Path
from typing import Any

import pytest

from bus.contracts.lint import Code, lint
from tests.contracts.documents import NIK, SHIPPED, a_contract, a_grant, shipped

QUERY = {"kind": "query", "key": None, "schema": None, "subject": "/nik"}


def _found(**changes: Any) -> list[tuple[Code, str]]:
    return [(finding.code, finding.pointer) for finding in lint(a_contract(**changes))]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_contract_has_nothing_to_mend(path: Path) -> None:
    assert lint(shipped(path)) == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"key": "/nomor"}, "/key"),
        ({"subject": "/alamat/nik"}, "/subject"),
        ({"delivery": {"ordered_by": "/tanggal"}}, "/delivery/ordered_by"),
        ({"consumers": [a_grant(fields=["/nik", "/nama/depan"])]}, "/consumers/0/fields/1"),
        ({"consumers": [a_grant(fields=["/keluarga/nik"])]}, "/consumers/0/fields/0"),
        ({"consumers": [a_grant(mask={"/alamat/rt": "redact"})]}, "/consumers/0/mask/~1alamat~1rt"),
        ({"consumers": [a_grant(rows=[{"not": {"any": [{"exact": {"wilayah": "35"}}]}}])]}, "/consumers/0/rows/0"),
    ],
)
def test_a_pointer_at_nothing_is_found(changes: dict[str, Any], pointer: str) -> None:
    assert _found(**changes) == [(Code.POINTER, pointer)]


def test_pointers_are_followed_through_references_forms_and_items() -> None:
    schema = {
        "$defs": {"orang": {"properties": {"nik": {"type": "string"}}}},
        "allOf": [{"$ref": "#/$defs/orang"}],
        "oneOf": [{"properties": {"a": {"items": {"$ref": "#/$defs/orang"}}}}, {"properties": {"b": {"$ref": "#"}}}],
        "patternProperties": {"^x_": {"properties": {"y": {}}}},
    }
    consumers = [a_grant(fields=["/nik", "/a/*/nik", "/b/b/b/nik", "/x_1/y"])]
    assert _found(schema=schema, consumers=consumers, examples=[]) == []


def test_an_example_that_is_not_valid_is_found_where_it_is_wrong() -> None:
    assert _found(examples=[{"nik": NIK}, {"nik": NIK, "jumlah": "3"}]) == [(Code.EXAMPLE, "/examples/1/jumlah")]


def test_both_sides_of_a_query_s_example_are_checked() -> None:
    schemas: dict[str, Any] = {
        "request": {"properties": {"nik": {"type": "string"}}},
        "answer": {"properties": {"ada": {"type": "boolean"}}},
    }
    example = {"request": {"nik": 5}, "answer": {"ada": 5}}
    assert _found(**QUERY, **schemas, examples=[example]) == [
        (Code.EXAMPLE, "/examples/0/request/nik"),
        (Code.EXAMPLE, "/examples/0/answer/ada"),
    ]


def test_a_query_s_grants_point_into_the_answer_and_its_subject_into_the_question() -> None:
    schemas: dict[str, Any] = {"request": {"properties": {"nik": {}}}, "answer": {"properties": {"ada": {}}}}
    assert _found(**QUERY, **schemas, examples=[], consumers=[a_grant(fields=["/ada", "/nik"])]) == [
        (Code.POINTER, "/consumers/0/fields/1")
    ]


def test_a_pattern_made_to_be_slow_does_not_hold_lint_up() -> None:
    consumers = [a_grant(fields=[f"/{'a' * 100}!"])]
    assert _found(schema={"properties": {"nik": {}}, "patternProperties": {"^(a+)+$": {}}}, consumers=consumers) == [
        (Code.POINTER, "/consumers/0/fields/0")
    ]
