"""JSON: members that are there twice, found by counting."""

import json as slow

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
    assert json.repeats(text.encode(), written) == (json.repeated_at(text.encode()) is not None)


def test_what_is_there_twice_is_pointed_at():
    assert json.repeated_at(b'{"a":[1,{"b":1,"c":{},"b":2}]}') == ("a", 1)
    assert json.repeated_at(b'{"a":1,"b":{"a":1}}') is None


def test_a_nul_is_found_in_texts_and_names():
    assert json.nul_at({"a": [1, {"b": "x\0"}]}) == ("a", 1, "b")
    assert json.nul_at({"a": {"\0": 1}}) == ("a",)
    assert json.nul_at({"a": "\\u0000"}) is None
