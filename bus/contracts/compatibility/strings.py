"""Strings: decides lengths, patterns and formats with automata.

A format counts as a pattern that all its strings match. If only its strings match the pattern, the negation counts too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bus.contracts.compatibility.answers import NOTHING, Answer, Found, Unknown
from bus.contracts.compatibility.automata import Automaton, NoneOf, Not, words
from bus.contracts.compatibility.logic import Atom, Formatted, Match, OneOf, Size
from bus.contracts.compatibility.sizes import bounds

if TYPE_CHECKING:
    from bus.contracts.compatibility.search import Search

_LONGEST = 20_000
_TRIES = 300
_PLEASANT = ("lain", "x")
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"


@dataclass(frozen=True, slots=True)
class Shape:
    """The pattern of a format; `exact`: every match has the format."""

    pattern: str
    exact: bool = False


SHAPES = {
    "date": Shape(f"^{_DAY}$"),
    "time": Shape(f"^{_TIME}$"),
    "date-time": Shape(f"^{_DAY}[Tt]{_TIME}$"),
    "email": Shape(rf"^{_ATEXT}(\.{_ATEXT})*@{_LABEL}(\.{_LABEL})+$"),
    "uri": Shape("^[A-Za-z][A-Za-z0-9+.-]*:[!-~]*$"),
    "uri-reference": Shape("^[!-~]*$"),
    "uuid": Shape("^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", exact=True),
    "ipv4": Shape(rf"^{_OCTET}(\.{_OCTET}){{3}}$", exact=True),
    "ipv6": Shape("^[0-9A-Fa-f:.]{2,45}$"),
    "hostname": Shape("^[A-Za-z0-9.-]{1,253}$"),
    "duration": Shape("^P[0-9YMWDTHS]+$"),
    "regex": Shape("^"),
    "json-pointer": Shape(r"^(/([^~/]|~[01])*)*$", exact=True),
}
_IMPLIED = frozenset({("uri", "uri-reference")})
"""RFC 3986, 4.1: a URI is a URI reference."""

_LONGEST_EMAIL = 254


def decide(atoms: Iterable[Atom], search: "Search") -> Answer:
    """A string that meets the atoms."""
    atoms = list(atoms)
    least, most = bounds([atom for atom in atoms if isinstance(atom, Size)])
    formats = [atom for atom in atoms if isinstance(atom, Formatted)]
    if any(atom.positive and atom.format == "email" for atom in formats):
        most = _LONGEST_EMAIL if most is None else min(most, _LONGEST_EMAIL)
    if (most is not None and least > most) or _contradict(formats):
        return NOTHING
    if least > _LONGEST:
        return Unknown(f"only strings of more than {_LONGEST} characters could show it")
    search.budget.spend(1 + least // 100)
    for candidate in (*_PLEASANT, *search.samples, "x" * least):
        if search.truth.all_hold(atoms, candidate):
            return Found(candidate)
    return _walk(atoms, least, most, search)


def _contradict(formats: list[Formatted]) -> bool:
    excluded = {atom.format for atom in formats if not atom.positive}
    return any(
        (atom.format, other) in _IMPLIED or atom.format == other
        for atom in formats
        if atom.positive
        for other in excluded
    )


def _walk(atoms: list[Atom], least: int, most: int | None, search: "Search") -> Answer:
    seen = False
    for word in islice(words(list(_make_automata(atoms, search)), least, most, search.budget), _TRIES):
        seen = True
        if search.truth.all_hold(atoms, word):
            return Found(word)
    if not seen:
        return NOTHING
    names = sorted({atom.format for atom in atoms if isinstance(atom, Formatted)})
    return Unknown(f"the format {', '.join(names)} cannot be compared with the other rules for the string")


def _make_automata(atoms: list[Atom], search: "Search") -> Iterator[Automaton]:
    excluded: set[str] = set()
    for atom in atoms:
        match atom:
            case Match(pattern, positive):
                yield search.pattern(pattern) if positive else Not(search.pattern(pattern))
            case Formatted(name, positive):
                shape = SHAPES[name]
                if positive:
                    yield search.pattern(shape.pattern)
                elif shape.exact:
                    yield Not(search.pattern(shape.pattern))
            case OneOf(_, False, values):
                excluded.update(value for value in values if isinstance(value, str))
            case _:
                pass
    if excluded:
        yield NoneOf(excluded)
