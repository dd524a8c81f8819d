"""JSON values as YAML texts."""

import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bus.contracts.errors import DocumentInvalid
from bus.contracts.yaml import read_yaml, write_yaml

_KEYS = st.text(max_size=5)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(_VALUES.map(lambda value: {"a": value}))
def test_what_was_written_reads_as_the_same(value: Any) -> None:
    assert read_yaml(write_yaml(value)) == value


@pytest.mark.parametrize("text", ["1e3", "0o17", "2026-03-02", "35.24", "+62", "-1", ".5", "yes", "null", "~", "1:30"])
def test_a_text_that_some_yaml_takes_for_something_else_is_quoted(text: str) -> None:
    assert write_yaml([text])[2:3] in (b'"', b"'")


@pytest.mark.parametrize("text", ["a\x85b", "\u2028", "a\r", "a\u2029 b", "a\nb\n", " a ", ""])
def test_a_line_break_of_another_kind_stays_what_it_is(text: str) -> None:
    assert read_yaml(write_yaml({text: text})) == {text: text}


def test_the_same_value_twice_is_written_twice() -> None:
    shared = {"b": 1}
    assert b"&" not in write_yaml([shared, shared])


def test_keys_keep_their_order() -> None:
    assert list(yaml.safe_load(write_yaml({"b": 1, "a": 2}))) == ["b", "a"]


@pytest.mark.parametrize(
    "number",
    [
        "1:30",
        "1" + ":59" * 100_000,
        "1:30.5",
        "017",
        "0b11",
        "0x1f",
        "1_000",
        "1_000.5",
        "9" * 500_000,
        "010",
        "08",
        "1e3",
        "0o17",
        "12:30",
    ],
)
def test_a_number_that_readers_of_yaml_take_differently_is_refused_at_once(number: str) -> None:
    begun = time.process_time()
    with pytest.raises(DocumentInvalid, match="quotes"):
        read_yaml(f"a:\n  b: {number}\n".encode())
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("-12", -12), ("+12", 12), ("35.24", 35.24), (".5", 0.5), ("1.0e+3", 1000.0)]
)
def test_a_number_is_read_as_json_would(text: str, value: float) -> None:
    assert read_yaml(f"a: {text}".encode()) == {"a": value}


@pytest.mark.parametrize(
    "text", ["no", "on", "yes", "Off", "y", "NO", "2026-03-02", "=", "1.2.3", "35.24.01", "3524-01"]
)
def test_a_word_or_code_that_yaml_1_1_takes_for_something_else_is_the_text_that_its_author_sees(text: str) -> None:
    assert read_yaml(f"{text}: {text}".encode()) == {text: text}


def test_a_number_that_loses_its_last_zero_is_refused_with_both_ways_to_write_it() -> None:
    with pytest.raises(DocumentInvalid, match=r"line 2 stands 35\.10.*quotes, or write 35\.1\."):
        read_yaml(b"a: 1.0\nb: 35.10\n")


@pytest.mark.parametrize("text", ["a: 18446744073709551616", "a: -9223372036854775809", '{"a": 18446744073709551616}'])
def test_a_number_above_64_bits_is_told_as_such(text: str) -> None:
    with pytest.raises(DocumentInvalid, match="64 bits"):
        read_yaml(text.encode())


def test_the_greatest_numbers_of_64_bits_are_read() -> None:
    assert read_yaml(b"[18446744073709551615, -9223372036854775808]") == [2**64 - 1, -(2**63)]


def test_a_key_that_stands_twice_among_tens_of_thousands_is_found_at_once() -> None:
    names = ",".join(f'"n{number}":0' for number in range(50_000))
    begun = time.process_time()
    with pytest.raises(DocumentInvalid, match="twice"):
        read_yaml(f'{{{names},"n49999":1}}'.encode())
    assert time.process_time() - begun < 2
