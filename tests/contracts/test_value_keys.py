"""Keys of values: whatever a filter holds for is found by one of the filter's keys."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bus.contracts.filter import compile_filter, read_data_field
from bus.contracts.value_keys import MANY, list_keys, spell_value

NUMBERS = (
    st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([35.1, 0, 1e22])
)
TEXTS = st.text(max_size=3) | st.sampled_from(["35.10", "true", "1e22", "35\0", "é" * 40, "\U0010ffff", "x" * 70])
VALUES = NUMBERS | TEXTS | st.booleans() | st.none() | st.lists(TEXTS, max_size=1)


def is_found(value: Any, dialect: str, text: str) -> bool:
    keys, key = list_keys(dialect, text), spell_value(value)
    if key is None:
        return False
    return key in keys.exact or (keys.beginning is not None and keys.beginning <= key < keys.behind)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Any, str]:
    """A value, and a text that often means it."""
    value = draw(VALUES)
    alike = [str(value), f"{value}.0", repr(value), str(value)[:2], str(value).lower()]
    return value, draw(st.sampled_from([one for one in alike if one]) | TEXTS.filter(bool))


@given(asked(), st.sampled_from(["exact", "prefix"]))
@example((1000.0, "1e3"), "exact")
@example((-0.0, "0"), "exact")
@example(("é" * 40, "é" * 39), "prefix")
def test_what_a_filter_holds_for_is_found(given: tuple[Any, str], dialect: str):
    value, text = given
    if compile_filter({dialect: {"/a": text}}, read_data_field)({"a": value}):
        assert is_found(value, dialect, text)


@pytest.mark.parametrize(
    ("value", "dialect", "text"),
    [
        ("35.24", "exact", "35.2"),
        ("35.24", "prefix", "35.25"),
        (35, "exact", "350"),
        (True, "exact", "1"),
        ("a", "prefix", "b"),
    ],
)
def test_other_values_are_not_found(value: Any, dialect: str, text: str):
    assert not is_found(value, dialect, text)


def test_a_record_with_many_values_is_found_by_each_filter():
    assert MANY in list_keys("exact", "a").exact & list_keys("prefix", "a").exact
