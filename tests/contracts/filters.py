"""Filters of all dialects, made up by hypothesis, over few names and texts so that they hold now and then."""

from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.text("xy", min_size=1, max_size=3)
SUBJECTS = st.dictionaries(NAMES, TEXTS)
"""What they are asked about."""
ODD_TEXTS = st.sampled_from(["3", "3.0", "30e-1", "true", "x"])
ODD_SUBJECTS = st.dictionaries(
    NAMES, st.sampled_from([3, 3.0, 3.5, 30, "3", True, False, None, ["x"], {"a": "x"}, "x"])
)
"""With values of every kind, and texts that may mean them."""


def _filters(texts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    tests = st.builds(
        lambda dialect, operand: {dialect: operand},
        st.sampled_from(["exact", "prefix", "suffix"]),
        st.dictionaries(NAMES, texts, min_size=1, max_size=2),
    )
    return st.recursive(
        tests,
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=6,
    )


FILTERS = _filters(TEXTS)
ODD_FILTERS = _filters(ODD_TEXTS)
