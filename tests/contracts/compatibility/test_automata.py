"""Strings: the automata judge as the gate's validator does, and find what there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.contracts.compatibility.automata import NoneOf, Not, Pattern, words
from bus.contracts.compatibility.budget import Budget
from bus.contracts.compatibility.strings import SHAPES
from bus.contracts.formats import FORMATS
from bus.contracts.validation import Validator
from tests.contracts.generated import FORMATTED

PATTERNS = [
    r"^[0-9]{16}$", r"^a|b$", r"(^a)*b", r"a^", r"$", r"^$", r"(?:a|)b{2,3}c?", r"[^a-c]", r"^.$", r"^\S+@\S+$", r"\w\W\d\D",
    r"^[\s\d-]+$", r"^(a|bb)*$", r"a??b*?c+?", r"^[a-]$", r"\x41\u0042", r"^(?:[^/]|\/){1,3}$", r"[.\]]", r"^()*$", r"a{0}",
]  # fmt: skip
TEXTS = st.text(alphabet="abcAB019-_/@. \n\r\té ٣", max_size=8)


@given(st.sampled_from(PATTERNS), TEXTS)
def test_a_pattern_matches_what_the_gate_says_it_matches(pattern: str, text: str) -> None:
    assert Pattern(pattern, Budget(10_000)).matches(text) is Validator({"pattern": pattern}).is_valid(text)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_words_of_a_pattern_match_it(pattern: str) -> None:
    budget = Budget(100_000)
    for automaton, is_match in ((Pattern(pattern, budget), True), (Not(Pattern(pattern, budget)), False)):
        for word in words([automaton], 0, 4, budget):
            assert Validator({"pattern": pattern}).is_valid(word) is is_match


@given(st.sampled_from(PATTERNS), TEXTS)
def test_there_are_words_of_the_length_of_every_match(pattern: str, text: str) -> None:
    if Validator({"pattern": pattern}).is_valid(text):
        budget = Budget(100_000)
        assert next(words([Pattern(pattern, budget)], len(text), len(text), budget), None) is not None


def test_words_are_found_beside_those_that_are_excluded() -> None:
    budget = Budget(10_000)
    bits = Pattern("^[01]{2}$", budget)
    assert list(words([bits, NoneOf(["00", "01", "11"])], 0, None, budget)) == ["10"]
    assert list(words([bits, NoneOf(["00", "01", "11", "10"])], 0, None, budget)) == []


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_has_a_shape(name: str) -> None:
    assert SHAPES.keys() == FORMATS.keys()


@given(st.sampled_from(sorted(FORMATTED)).flatmap(lambda name: st.tuples(st.just(name), FORMATTED[name])))
def test_a_text_in_a_format_has_its_shape(drawn: tuple[str, str]) -> None:
    name, text = drawn
    assert Pattern(SHAPES[name].pattern, Budget(100_000)).matches(text)


NEAR = st.one_of(
    st.uuids().map(str),
    st.ip_addresses().map(str),
    st.from_regex(r"[0-9a-fA-F-]{35,37}|[0-9]{1,3}(\.[0-9]{1,3}){3}", fullmatch=True),
    st.from_regex(r"([01][0-9]|2[0-4]):[0-5][0-9]:[0-6][0-9](\.[0-9])?(Z|[+-]0[0-9]:00)", fullmatch=True),
    st.from_regex(r"[a-z]{1,3}(:|:/|://)?[a-z./?#%0-9]{0,6}", fullmatch=True),
    st.from_regex(r"[a-z.]{1,3}@?[a-z.-]{0,6}", fullmatch=True),
    st.text(max_size=5),
)


@given(st.sampled_from(sorted(FORMATS)), NEAR)
def test_a_shape_leaves_no_text_of_the_format_out_and_takes_no_other_in_where_it_is_exact(name: str, text: str) -> None:
    has_shape = Pattern(SHAPES[name].pattern, Budget(100_000)).matches(text)
    assert has_shape or not FORMATS[name](text)
    assert FORMATS[name](text) or not has_shape or not SHAPES[name].exact
