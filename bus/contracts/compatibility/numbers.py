"""Numbers: decides bounds and multiples, exactly if candidates can be counted or an interval is empty."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, gcd, lcm

from bus.contracts.compatibility.answers import NOTHING, Answer, Found, Unknown
from bus.contracts.compatibility.logic import Atom, Bound, Multiple
from bus.contracts.compatibility.truth import Truth
from bus.contracts.compatibility.values import as_json

_MOST_CANDIDATES = 500
_DOUBT = Unknown("no number was found that meets all of the bounds and multiples")


@dataclass(frozen=True, slots=True)
class _Interval:
    """The interval of a number; None: no limit on that side."""

    low: Fraction | None
    low_strict: bool
    high: Fraction | None
    high_strict: bool

    @property
    def is_empty(self) -> bool:
        return self.low is not None and self.high is not None and self.low > self.high


def decide(atoms: Iterable[Atom], truth: Truth) -> Answer:
    """A number that meets the atoms."""
    atoms = list(atoms)
    interval = _make_interval([atom for atom in atoms if isinstance(atom, Bound)])
    steps = [atom.of for atom in atoms if isinstance(atom, Multiple) and atom.positive]
    barred = [atom.of for atom in atoms if isinstance(atom, Multiple) and not atom.positive]
    if interval.is_empty:
        return NOTHING
    if not steps:
        return _decide_any(interval, atoms, truth)
    step = _compute_least_common(steps)
    if any((step / other).denominator == 1 for other in barred):
        return NOTHING
    return _decide_on_grid(interval, step, atoms, truth)


def _make_interval(bounds: list[Bound]) -> _Interval:
    # Of two equal limits, the strict one counts.
    low = max(((bound.limit, bound.strict) for bound in bounds if not bound.upper), default=None)
    high = min(((bound.limit, not bound.strict) for bound in bounds if bound.upper), default=None)
    return _Interval(
        low[0] if low else None, bool(low and low[1]), high[0] if high else None, bool(high and not high[1])
    )


def _compute_least_common(steps: list[Fraction]) -> Fraction:
    numerator = lcm(*(step.numerator for step in steps))
    return Fraction(numerator, gcd(*(step.denominator for step in steps)))


def _decide_on_grid(interval: _Interval, step: Fraction, atoms: list[Atom], truth: Truth) -> Answer:
    """A multiple of `step` that meets the atoms; multiples near the bounds are tried first."""
    low = None if interval.low is None else ceil(interval.low / step)
    high = None if interval.high is None else floor(interval.high / step)
    if low is not None and interval.low_strict and low * step == interval.low:
        low += 1
    if high is not None and interval.high_strict and high * step == interval.high:
        high -= 1
    if low is not None and high is not None and low > high:
        return NOTHING
    counts = _count_between(low, high)
    is_whole = low is not None and high is not None and high - low < _MOST_CANDIDATES // 2
    return _find_first((count * step for count in counts), is_whole, atoms, truth)


def _count_between(low: int | None, high: int | None) -> Iterator[int]:
    for distance in range(_MOST_CANDIDATES // 2):
        if low is not None and (high is None or low + distance <= high):
            yield low + distance
        if high is not None and (low is None or high - distance >= low):
            yield high - distance
        if low is None and high is None:
            yield distance
            yield -distance


def _decide_any(interval: _Interval, atoms: list[Atom], truth: Truth) -> Answer:
    """Any number that meets the atoms. An interval that is not a point has one: atoms exclude only a few numbers."""
    is_one = interval.low is not None and interval.low == interval.high
    return _find_first(_list_candidates(interval), is_one, atoms, truth)


def _list_candidates(interval: _Interval) -> Iterator[Fraction]:
    low, high = interval.low, interval.high
    if low is not None and high is not None:
        yield from (low, high)
        yield from (Fraction(whole) for whole in (ceil(low), floor(high), ceil(low) + 1, floor(high) - 1))
        for parts in (2, 4, 8, 10, 16, 32, 64, 100, 128):
            yield low + (high - low) / parts
            yield high - (high - low) / parts
        return
    edge, away = (low, 1) if low is not None else (high, -1) if high is not None else (Fraction(0), 1)
    assert edge is not None  # noqa: S101 - one of three cases above
    for distance in range(_MOST_CANDIDATES // 4):
        yield edge + away * distance
        yield edge + away * (distance + Fraction(1, 2))
        yield edge + away * (distance + Fraction(1, 8))
        yield Fraction(floor(edge) + away * distance)


def _find_first(candidates: Iterable[Fraction], are_all: bool, atoms: list[Atom], truth: Truth) -> Answer:
    """The first candidate that meets the atoms. If none does, that is a proof only if the candidates `are_all`."""
    for candidate in candidates:
        number = as_json(candidate)
        # A number that readers of JSON would round is neither an example nor a proof.
        are_all = are_all and number is not None
        if number is not None and truth.all_hold(atoms, number):
            return Found(number)
    return NOTHING if are_all else _DOUBT
