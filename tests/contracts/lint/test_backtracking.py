"""Which patterns keep an engine that backtracks busy, against what Python's own engine does."""

import re
import time

import pytest

from bus.contracts.lint.backtracking import is_exponential

SLOW = [
    ("^(a+)+$", "a"),
    ("^(a*)*$", "a"),
    ("^(a|a)*$", "a"),
    ("^(a|ab|b)*$", "ab"),
    (r"^(\w+\s?)*$", "a"),
    ("^(.*)*x$", "a"),
    ("^(([a-z])+.)+[A-Z]$", "a"),
    ("^(a{2,8}){2,9}$", "a"),
    ("^((a|b)?(a|c)?)*$", "a"),
]
FAST = [
    "^[0-9]{16}$",
    "^[a-z0-9]+(-[a-z0-9]+)*$",
    "^(/([^~/]|~[01])*)+$",
    "^([0-9]{6}){2,5}$",
    "^([0-9]{1,3}[.]){3}[0-9]{1,3}$",
    r"^\+?[0-9][0-9 -]*[0-9]$",
    "^(a?)*$",
    "^a*a*$",
    "^(a|b)*abb$",
    "^(?:ab|ac)*$",
]


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in SLOW])
def test_an_ambiguous_loop_is_found(pattern: str) -> None:
    assert is_exponential(pattern)


@pytest.mark.parametrize("pattern", FAST)
def test_a_loop_with_one_way_through_is_not(pattern: str) -> None:
    assert not is_exponential(pattern)


@pytest.mark.parametrize("pattern", FAST)
def test_what_is_not_found_is_fast_in_an_engine_that_backtracks(pattern: str) -> None:
    before = time.process_time()
    for text in ("a" * 300 + "!", "0" * 300 + "!", "ab" * 150 + "!", "/~" * 150 + "!"):
        re.search(pattern, text)
    assert time.process_time() - before < 1


@pytest.mark.parametrize(
    "pattern", ["(" * 40 + "a" + ")*" * 40, f"({'|'.join(f'a{n}b' for n in range(300))})*", "(a{1,900}){1,900}"]
)
def test_a_hostile_pattern_is_judged_in_bounded_time(pattern: str) -> None:
    before = time.process_time()
    is_exponential(pattern)
    assert time.process_time() - before < 2
