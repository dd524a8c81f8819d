"""JSON: members that are there twice, found by counting; and large values, written in pieces."""

import json as slow
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bus import json

NAMES = st.sampled_from(["a", "b:", '"', "\\", "c\\:", "\u00e9", "d"])
SPACE = st.sampled_from(["", " ", "\n\t"])
LEAVES = st.sampled_from(
    ["1", "-0", "1E5", "1.50", "null", "true", '"x:y"', '"\\u003a"', '"\\u003A"', '"\\\\u003a"', '":"']
)


@st.composite
def a_name(draw: st.DrawFn) -> str:
    """A member's name, written plainly or with escapes."""
    name = draw(NAMES)
    escaped = "".join(f"\\u{ord(character):04x}" for character in name)
    return f'"{escaped}"' if draw(st.booleans()) else slow.dumps(name)


@st.composite
def an_object(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """An object whose names may come again."""
    members = draw(st.lists(st.tuples(a_name(), SPACE, SPACE, inner), max_size=4))
    return "{" + ",".join(f"{name}{before}:{after}{value}" for name, before, after, value in members) + "}"


TEXTS = st.recursive(
    LEAVES, lambda inner: an_object(inner) | st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
)


@given(TEXTS)
def test_a_member_that_is_there_twice_is_found_by_counting(text: str):
    written = json.dumps(json.loads(text))
    assert json.has_repeated_names(text.encode(), written) == (json.find_repeated_name(text.encode()) is not None)


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?", fullmatch=True) | st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr), st.integers(-(2**65), 2**65).map(str)
)


@given(NUMBERS)
def test_a_number_that_would_be_written_with_another_value_is_found(number: str):
    text = f'{{"a": [{number}]}}'.encode()
    try:
        written = json.dumps(json.loads(text))
    except ValueError:
        is_kept = False
    else:
        is_kept = slow.loads(written, parse_int=Decimal, parse_float=Decimal) == {"a": [Decimal(number)]}
    assert json.changes_number(text) is not is_kept
    assert json.changes_number(number.encode()) is not is_kept
    value, paths = json.find_changed_numbers(text)
    assert (paths, value == {"a": [None]}) == (([], False) if is_kept else ([("a", 0)], True))
    if is_kept:
        assert json.dumps(value) == written


def test_a_number_that_would_change_is_told_by_its_own_path_however_the_values_before_it_are_nested():
    text = b'{"a":[[1,{"b":2}],1e999],"c":{"d":[]},"e":{"f":[0,{"g":1e999}]},"h":1e999}'
    value, paths = json.find_changed_numbers(text)
    assert paths == [("a", 1), ("e", "f", 1, "g"), ("h",)]
    assert value == {"a": [[1, {"b": 2}], None], "c": {"d": []}, "e": {"f": [0, {"g": None}]}, "h": None}


def test_of_each_entry_the_first_hundred_numbers_that_would_change_are_told_and_none_is_kept():
    value, paths = json.find_changed_numbers(
        b"[%b,[7,1e999]]" % b",".join([b"[" + b",".join([b"1e999"] * 300) + b"]"] * 2)
    )
    assert paths == [(entry, number) for entry in range(2) for number in range(100)] + [(2, 1)]
    assert value == [[None] * 300, [None] * 300, [7, None]]


def test_a_value_is_small_by_its_characters_and_its_values():
    assert [json.is_small(value, 10) for value in ("a" * 9, "a" * 10, [0] * 4, [0] * 5, {"a": 1})] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_what_is_there_twice_is_pointed_at():
    assert json.find_repeated_name(b'{"a":[1,{"b":1,"c":{},"b":2}]}') == ("a", 1)
    assert json.find_repeated_name(b'{"a":1,"b":{"a":1}}') is None


def test_a_nul_is_found_in_texts_and_names():
    assert json.find_nul({"a": [1, {"b": "x\0"}]}) == ("a", 1, "b")
    assert json.find_nul({"a": {"\0": 1}}) == ("a",)
    assert json.find_nul({"a": "\\u0000"}) is None
