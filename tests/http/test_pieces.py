"""Large JSON in pieces: the same bytes as in one piece."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import json
from bus.http.pieces import dumps_in_pieces

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=9), inner, max_size=9),
)


LONG = VALUES.map(lambda value: [value] * 70 + [1] * 70) | VALUES.map(lambda value: {f"n{n}": value for n in range(70)})


@given(VALUES | LONG, st.integers(1, 20))
def test_pieces_are_what_is_written_whole(value: Any, most: int):
    assert dumps_in_pieces(value, most) == json.dumps(value)


def test_what_cannot_be_written_is_refused_in_pieces_too():
    with pytest.raises(TypeError):
        dumps_in_pieces({1: [0, 1, 2]}, 1)
