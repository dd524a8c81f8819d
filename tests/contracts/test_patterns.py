"""Patterns: what contracts may use, and its writing for Python."""

import re

import pytest

from bus.contracts.patterns import PatternUnsupported, translate_for_python


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"^\d{2}$", "12", "12\n"),
        (r"^[0-9.\-]+$", "1.-", "1a"),
        (r"^[$a]$", "$", "b"),
        (r"\$$", "5$", "$5"),
        (r"^[^\s]\s$", "a\ufeff", " a"),
        (r"^\S+$", "é", "\u2003"),
        (r"^[\]\[]$", "]", "x"),
        (r"^\/\u0041\x42$", "/AB", "AB"),
    ],
)
def test_a_pattern_reads_in_python_as_in_ecma_262(pattern: str, matching: str, other: str) -> None:
    python = re.compile(translate_for_python(pattern))
    assert (bool(python.search(matching)), bool(python.search(other))) == (True, False)


@pytest.mark.parametrize(
    "pattern",
    [
        *[
            "(",
            "[",
            "a**",
            "a{2}{3}",
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?i)a",
            "(?P<n>a)",
            "(?<n>a)",
            r"(a)\1",
            r"\bx",
            r"\p{L}",
        ],
        *[
            r"\h",
            r"\A",
            r"\Z",
            "x*+",
            "x++",
            "[a&&b]",
            "[[a]]",
            "[a--b]",
            "[]",
            "[^]",
            r"[\S]",
            r"\é",
            "a{99999999999}",
        ],
    ],
)
def test_what_the_engines_read_differently_or_not_at_all_is_refused(pattern: str) -> None:
    with pytest.raises(PatternUnsupported):
        translate_for_python(pattern)
