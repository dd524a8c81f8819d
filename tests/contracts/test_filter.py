"""Filters: the dialects of CloudEvents Subscriptions, over data and over attributes."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from bus.contracts.errors import FilterInvalid
from bus.contracts.filter import attribute, compile_filter, data_field
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
        ({"exact": {"rasio": "0.5"}}, False),
        ({"exact": {"kosong": "null"}}, False),
        ({"prefix": {"alamat": "{"}}, False),
        ({"prefix": {"tiada": "x"}}, False),
        ({"exact": {"kode": "35.24.05.2001", "tahun": "2025"}}, False),
        ({"not": {"prefix": {"tiada": "x"}}}, True),
        ({"all": [{"prefix": {"kode": "35"}}, {"suffix": {"kode": "1"}}]}, True),
        ({"all": [{"prefix": {"kode": "35"}}, {"suffix": {"kode": "2"}}]}, False),
        ({"any": [{"prefix": {"kode": "36"}}, {"suffix": {"kode": "1"}}]}, True),
        ({"any": [{"prefix": {"kode": "36"}}, {"suffix": {"kode": "2"}}]}, False),
    ],
)
def test_a_filter_over_data(expression: Any, holds: bool) -> None:
    assert compile_filter(expression, data_field)(DATA) is holds


@pytest.mark.parametrize("data", [None, [], "teks", 5])
def test_data_that_are_no_object_match_nothing(data: Any) -> None:
    assert not compile_filter({"prefix": {"kode": "35"}}, data_field)(data)


def test_a_filter_over_attributes_takes_names_as_they_are() -> None:
    assert compile_filter({"prefix": {"type": "kependudukan."}}, attribute)({"type": "kependudukan.penduduk"})


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
        compile_filter(expression, data_field, "/f")
    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_a_filter_nested_without_end_is_refused() -> None:
    expression: dict[str, Any] = {"exact": {"a": "b"}}
    for _ in range(2000):
        expression = {"not": expression}
    with pytest.raises(FilterInvalid):
        compile_filter(expression, data_field)


def _meaning(expression: Any, data: dict[str, str]) -> bool:
    """The dialects as the CloudEvents Subscriptions specification tells them."""
    ((dialect, operand),) = expression.items()
    match dialect:
        case "not":
            return not _meaning(operand, data)
        case "all":
            return all(_meaning(part, data) for part in operand)
        case "any":
            return any(_meaning(part, data) for part in operand)
    found = [(data.get(name), text) for name, text in operand.items()]
    if any(value is None for value, _ in found):
        return False
    tests: dict[str, Callable[[str, str], bool]] = {
        "exact": str.__eq__,
        "prefix": str.startswith,
        "suffix": str.endswith,
    }
    return all(tests[dialect](str(value), text) for value, text in found)


@given(FILTERS, SUBJECTS)
def test_a_compiled_filter_means_what_the_dialects_mean(expression: Any, data: dict[str, str]) -> None:
    assert compile_filter(expression, data_field)(data) is _meaning(expression, data)
