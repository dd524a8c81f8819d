"""Parses the regular expressions that contracts may use into trees (the part of ECMA-262 in `bus.contracts.patterns`).

The automata that compare patterns need the trees. No library of this project gives them for ECMA-262.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Undecided(Exception):
    """It cannot be decided whether a value of some form exists; the message says why."""


Ranges = tuple[tuple[int, int], ...]
"""Code points as ranges: both ends belong to a range, ranges are in order and do not touch."""

_SURROGATES = ((0xD800, 0xDFFF),)
_LAST = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set."""

    ranges: Ranges


class Anchor(Enum):
    """A position between characters, such as the beginning of the string."""

    START = "^"
    END = "$"


@dataclass(frozen=True, slots=True)
class Sequence:
    """Several expressions one after the other; without parts, the empty string."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several expressions."""

    options: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """An expression `least` to `most` times; a `most` of None: without limit."""

    what: "Expression"
    least: int
    most: int | None


Expression = Chars | Anchor | Sequence | Choice | Repeat


def union(*sets: Ranges) -> Ranges:
    """The code points that are in any of the sets."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(part for ranges in sets for part in ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """The code points that are in no range; surrogates are no characters."""
    return tuple(_list_gaps(union(ranges, _SURROGATES)))


def _list_gaps(ranges: Ranges) -> Iterator[tuple[int, int]]:
    start = 0
    for low, high in ranges:
        if low > start:
            yield (start, low - 1)
        start = high + 1
    if start <= _LAST:
        yield (start, _LAST)


def _of(text: str) -> Ranges:
    return union(tuple((ord(char), ord(char)) for char in text))


DIGITS: Ranges = ((0x30, 0x39),)
WORDS = union(DIGITS, ((0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)))
SPACES = union(_of("\t\n\x0b\x0c\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"), ((0x2000, 0x200A),))
ANY = complement(())
_DOT = complement(_of("\n"))
"""The characters of the engine's `.`: all but the line feed. ECMA-262 leaves out three more line ends."""

_CLASSES = {
    "d": DIGITS,
    "D": complement(DIGITS),
    "w": WORDS,
    "W": complement(WORDS),
    "s": SPACES,
    "S": complement(SPACES),
}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
_QUANTIFIER = re.compile(r"\*|\+|\?|\{([0-9]+)(,([0-9]*))?\}")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")
_DEEPEST = 50


def parse(pattern: str) -> Expression:
    """The tree of a pattern.

    Raises:
        Undecided: a construct that contracts may not use.
    """
    reader = _Reader(pattern)
    expression = reader.choice(0)
    if not reader.at_end:
        raise _make_undecided(pattern)
    return expression


def _make_undecided(pattern: str) -> Undecided:
    return Undecided(f"the pattern {pattern} uses what cannot be compared")


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0

    @property
    def at_end(self) -> bool:
        return self._place >= len(self._pattern)

    def choice(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise _make_undecided(self._pattern)
        options = [self._read_sequence(depth)]
        while self._take("|"):
            options.append(self._read_sequence(depth))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _read_sequence(self, depth: int) -> Expression:
        parts: list[Expression] = []
        while not self.at_end and self._pattern[self._place] not in "|)":
            parts.append(self._read_quantified(self._read_one(depth)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _read_quantified(self, what: Expression) -> Expression:
        found = _QUANTIFIER.match(self._pattern, self._place)
        if found is None:
            return what
        self._place = found.end()
        self._take("?")  # A lazy quantifier finds another match first, and matches the same strings.
        if found[1] is None:
            return Repeat(what, 1 if found[0] == "+" else 0, 1 if found[0] == "?" else None)
        most = found[1] if found[2] is None else found[3]
        return Repeat(what, int(found[1]), int(most) if most else None)

    def _read_one(self, depth: int) -> Expression:
        char = self._read_next()
        match char:
            case "^":
                return Anchor.START
            case "$":
                return Anchor.END
            case ".":
                return Chars(_DOT)
            case "(":
                return self._read_group(depth)
            case "[":
                return Chars(self._read_class())
            case "\\":
                return Chars(self._read_escape())
            case "*" | "+" | "?" | "{":
                raise _make_undecided(self._pattern)
        return Chars(_of(char))

    def _read_group(self, depth: int) -> Expression:
        if self._take("?") and not self._take(":"):
            raise _make_undecided(self._pattern)
        inner = self.choice(depth + 1)
        if not self._take(")"):
            raise _make_undecided(self._pattern)
        return inner

    def _read_class(self) -> Ranges:
        negated = self._take("^")
        ranges: list[Ranges] = []
        while not self._take("]"):
            first = self._read_member()
            if self._pattern[self._place : self._place + 1] == "-" and self._pattern[self._place + 1 :][:1] != "]":
                self._place += 1
                last = self._read_member()
                if not (_is_one(first) and _is_one(last)):
                    raise _make_undecided(self._pattern)
                first = ((first[0][0], last[0][0]),)
            ranges.append(first)
        found = union(*ranges)
        return complement(found) if negated else found

    def _read_member(self) -> Ranges:
        char = self._read_next()
        if char == "[":
            raise _make_undecided(self._pattern)
        return self._read_escape() if char == "\\" else _of(char)

    def _read_escape(self) -> Ranges:
        if found := _HEX.match(self._pattern, self._place):
            self._place = found.end()
            return _of(chr(int(found[1] or found[2], 16)))
        char = self._read_next()
        if char in _CLASSES:
            return _CLASSES[char]
        if char.isalnum() and char not in _CONTROLS:
            raise _make_undecided(self._pattern)
        return _of(_CONTROLS.get(char, char))

    def _read_next(self) -> str:
        if self.at_end:
            raise _make_undecided(self._pattern)
        self._place += 1
        return self._pattern[self._place - 1]

    def _take(self, char: str) -> bool:
        taken = self._pattern.startswith(char, self._place)
        self._place += taken
        return taken


def _is_one(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]
