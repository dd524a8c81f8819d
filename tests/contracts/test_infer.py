"""A first schema from examples."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.contracts.infer import infer_schema, sketch_schema
from bus.contracts.lint import lint_contract
from bus.contracts.validation import Validator
from tests.builders import NIK, a_strict_contract

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PAYLOADS = st.lists(
    st.dictionaries(st.text(max_size=8) | st.sampled_from(["nik", "nop"]), VALUES, max_size=5), min_size=1, max_size=3
)


@given(PAYLOADS)
def test_every_example_is_valid_under_the_schema_that_it_gave(payloads: list[dict[str, Any]]) -> None:
    validator = Validator(infer_schema(payloads))
    assert all(validator.is_valid(payload) for payload in payloads)


@pytest.mark.parametrize(
    ("values", "schema"),
    [
        ([1, 2], {"type": "integer"}),
        ([1, 2.5], {"type": "number"}),
        ([True], {"type": "boolean"}),
        ([None, "x"], {"type": ["null", "string"], "maxLength": 20}),
        ([None], {"type": "null"}),
        (["x" * 30], {"type": "string", "maxLength": 100}),
        (["x" * 9000], {"type": "string", "maxLength": 18000}),
        (["2026-01-02", "2026-02-03"], {"type": "string", "format": "date", "maxLength": 20}),
        (["2026-01-02", "kemarin"], {"type": "string", "maxLength": 20}),
        (["2026-03-02T09:15:00+07:00"], {"type": "string", "format": "date-time", "maxLength": 50}),
        (["kontak@contoh.lamongankab.go.id"], {"type": "string", "format": "email", "maxLength": 100}),
        (["https://contoh.lamongankab.go.id"], {"type": "string", "format": "uri", "maxLength": 100}),
        ([["a"], []], {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": 20}}),
        ([[]], {"type": "array", "maxItems": 100}),
    ],
)
def test_a_value_gives_its_type_its_format_and_a_bound_with_room(values: list[Any], schema: dict[str, Any]) -> None:
    found = infer_schema([{"a": value} for value in values])["properties"]["a"]
    assert found == {"type": schema["type"], "description": "<apa arti a>", **schema}


def test_what_every_example_has_is_required_and_nothing_else_may_be_there() -> None:
    schema = infer_schema([{"a": 1, "b": 2}, {"b": 3, "c": 4}])
    assert (schema["required"], list(schema["properties"]), schema["additionalProperties"]) == (
        ["b"],
        ["a", "b", "c"],
        False,
    )


def test_an_identifier_is_known_by_its_name() -> None:
    assert infer_schema([{"nik": NIK}])["properties"]["nik"]["pattern"] == "^[0-9]{16}$"
    assert "pattern" not in infer_schema([{"nik": "belum ada"}])["properties"]["nik"]


def test_names_alone_give_required_texts() -> None:
    schema = sketch_schema(["nik", "tanggal_lahir", "nama"])
    rules = [set(one) & {"pattern", "format"} for one in schema["properties"].values()]
    assert (schema["required"], rules) == (["nik", "tanggal_lahir", "nama"], [{"pattern"}, {"format"}, set()])


def test_what_is_left_to_mend_is_what_a_person_must_write() -> None:
    payload = {"nik": NIK, "alamat": {"rt": "001", "titik": [112.4, -7.1]}, "anggota": [{"nama": "Rekaan", "umur": 3}]}
    findings = lint_contract(a_strict_contract(schema=infer_schema([payload]), examples=[payload], consumers=[]))
    assert {finding.code for finding in findings} == {"placeholder"}
