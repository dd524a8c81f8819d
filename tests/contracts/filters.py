"""Filters of all dialects, made up by hypothesis, over few names and texts so that they hold now and then."""

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.text("xy", min_size=1, max_size=3)
SUBJECTS = st.dictionaries(NAMES, TEXTS)
"""What they are asked about."""

TESTS = st.builds(
    lambda dialect, operand: {dialect: operand},
    st.sampled_from(["exact", "prefix", "suffix"]),
    st.dictionaries(NAMES, TEXTS, min_size=1, max_size=2),
)
FILTERS = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)
