"""Filters: the dialects of CloudEvents Subscriptions, over data and over attributes."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from bus.contracts.errors import FilterInvalid
from bus.contracts.filter import compile_filter, read_attribute, read_data_field
from tests.contracts.filters import FILTERS, SUBJECTS

DATA = {
    "kode": "35.24.05.2001",
    "aktif": True,
    "tahun": 2026,
    "rasio": 0.5,
    "kosong": None,
    "alamat": {"desa/x": "Sembung"},
}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ({"exact": {"kode": "35.24.05.2001"}}, True),
        ({"exact": {"kode": "35.24.05"}}, False),
        ({"prefix": {"kode": "35.24.05"}}, True),
        ({"prefix": {"kode": "35.24.06"}}, False),
        ({"suffix": {"kode": ".2001"}}, True),
        ({"suffix": {"kode": ".2002"}}, False),
        ({"exact": {"/kode": "35.24.05.2001"}}, True),
        ({"exact": {"/alamat/desa~1x": "Sembung"}}, True),
        ({"exact": {"/alamat/desa~1x/lagi": "Sembung"}}, False),
        ({"exact": {"aktif": "true"}}, True),
        ({"exact": {"aktif": True}}, True),
        ({"exact": {"tahun": 2026}}, True),
        ({"exact": {"tahun": "2026"}}, True),
        ({"exact": {"rasio": "0.5"}}, True),
        ({"exact": {"rasio": "5e-1"}}, True),
        ({"exact": {"rasio": "setengah"}}, False),
        ({"prefix": {"rasio": "0"}}, False),
        ({"exact": {"kosong": "null"}}, False),
        ({"prefix": {"alamat": "{"}}, False),
        ({"prefix": {"tiada": "x"}}, False),
        ({"exact": {"kode": "35.24.05.2001", "tahun": "2025"}}, False),
        ({"all": [{"prefix": {"kode": "35"}}, {"suffix": {"kode": "1"}}]}, True),
        ({"all": [{"prefix": {"kode": "35"}}, {"suffix": {"kode": "2"}}]}, False),
        ({"any": [{"prefix": {"kode": "36"}}, {"suffix": {"kode": "1"}}]}, True),
        ({"any": [{"prefix": {"kode": "36"}}, {"suffix": {"kode": "2"}}]}, False),
    ],
)
def test_a_filter_over_data(expression: Any, holds: bool) -> None:
    assert compile_filter(expression, read_data_field)(DATA) is holds


@pytest.mark.parametrize("number", [3, 3.0])
def test_numbers_are_compared_by_their_value_however_they_are_written(number: float) -> None:
    assert compile_filter({"exact": {"kelas": "3"}}, read_data_field)({"kelas": number})
    assert not compile_filter({"not": {"exact": {"kelas": "3"}}}, read_data_field)({"kelas": number})


@pytest.mark.parametrize("value", [None, [], ["3"], {"x": "3"}, 3.5])
@pytest.mark.parametrize("dialect", ["exact", "prefix", "suffix"])
def test_not_of_what_cannot_be_judged_shows_nothing(dialect: str, value: Any) -> None:
    data = {} if value is None else {"kelas": value}
    assert not compile_filter({"not": {dialect: {"kelas": "rahasia"}}}, read_data_field)(data)
    assert not compile_filter({"not": {"not": {dialect: {"kelas": "rahasia"}}}}, read_data_field)(data)


def test_what_cannot_be_judged_does_not_matter_where_the_rest_decides() -> None:
    unknown = {"exact": {"tiada": "x"}}
    assert compile_filter({"any": [unknown, {"exact": {"kode": "35"}}]}, read_data_field)({"kode": "35"})
    assert compile_filter({"not": {"all": [unknown, {"exact": {"kode": "36"}}]}}, read_data_field)({"kode": "35"})


@pytest.mark.parametrize("data", [None, [], "teks", 5])
def test_data_that_are_no_object_match_nothing(data: Any) -> None:
    assert not compile_filter({"prefix": {"kode": "35"}}, read_data_field)(data)


def test_a_filter_over_attributes_takes_names_as_they_are() -> None:
    assert compile_filter({"prefix": {"type": "kependudukan."}}, read_attribute)({"type": "kependudukan.penduduk"})


@pytest.mark.parametrize(
    ("expression", "pointer"),
    [
        ([], "/f"),
        ({}, "/f"),
        ({"exact": {"a": "b"}, "prefix": {"a": "b"}}, "/f"),
        ({"sql": "a = 1"}, "/f"),
        ({"exact": {}}, "/f/exact"),
        ({"exact": {"a": ""}}, "/f/exact/a"),
        ({"exact": {"a": 35.24}}, "/f/exact/a"),
        ({"exact": {"a/b": ["x"]}}, "/f/exact/a~1b"),
        ({"all": []}, "/f/all"),
        ({"any": [{"exact": {"a": "b"}}, {"no": 1}]}, "/f/any/1"),
        ({"not": []}, "/f/not"),
    ],
)
def test_a_filter_that_cannot_be_understood_is_refused_with_its_place(expression: Any, pointer: str) -> None:
    with pytest.raises(FilterInvalid) as refused:
        compile_filter(expression, read_data_field, "/f")
    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_a_filter_nested_without_end_is_refused() -> None:
    expression: dict[str, Any] = {"exact": {"a": "b"}}
    for _ in range(2000):
        expression = {"not": expression}
    with pytest.raises(FilterInvalid):
        compile_filter(expression, read_data_field)


def _meaning(expression: Any, data: dict[str, str]) -> float:
    """The dialects as the CloudEvents Subscriptions specification tells them; 1 is true, 0 false, a half is unknown."""
    ((dialect, operand),) = expression.items()
    match dialect:
        case "not":
            return 1 - _meaning(operand, data)
        case "all":
            return min(_meaning(part, data) for part in operand)
        case "any":
            return max(_meaning(part, data) for part in operand)
    found = [(data.get(name), text) for name, text in operand.items()]
    tests: dict[str, Callable[[str, str], bool]] = {
        "exact": str.__eq__,
        "prefix": str.startswith,
        "suffix": str.endswith,
    }
    return min(0.5 if value is None else float(tests[dialect](str(value), text)) for value, text in found)


@given(FILTERS, SUBJECTS)
def test_a_compiled_filter_means_what_the_dialects_mean(expression: Any, data: dict[str, str]) -> None:
    assert compile_filter(expression, read_data_field)(data) is (_meaning(expression, data) == 1)
