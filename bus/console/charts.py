"""Charts as geometry: groups of bars by the hour, with an axis of round numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, log10
from typing import Final

from bus.clock import WIB

WIDTH, HEIGHT = 480, 150
_LEFT, _TOP, _BOTTOM = 46, 10, 124
_GAP: Final = 0.2
"""The part of an hour's width that stays empty."""
_EVERY: Final = 6
"""Hours between two marks of the axis."""


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one thing, a value for each hour; None: there is none."""

    name: str
    kind: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A number at the axis of values; `at` is its height."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class HourMark:
    """An hour at the axis of time, such as `06.00`; `at` is its distance from the left."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The whole drawing.

    Attributes:
        marks: of the values.
        hours: of the time.
    """

    series: Sequence[Series]
    bars: Sequence[Bar]
    marks: Sequence[Mark]
    hours: Sequence[HourMark]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    bottom: int = _BOTTOM

    @property
    def is_empty(self) -> bool:
        """Whether every value is 0 or missing."""
        return not self.bars


def draw_chart(hours: Sequence[datetime], series: Sequence[Series]) -> Chart:
    """The chart of some series with a value for each of these hours."""
    most = _round_up(max((value or 0 for one in series for value in one.values), default=0))
    slot = (WIDTH - _LEFT) / max(1, len(hours))
    width = slot * (1 - _GAP) / max(1, len(series))
    bars = [
        _draw_bar(one.kind, _LEFT + index * slot + slot * _GAP / 2 + place * width, width, value / most)
        for place, one in enumerate(series)
        for index, value in enumerate(one.values)
        if value
    ]
    marks = [Mark(_BOTTOM - (_BOTTOM - _TOP) * share, most * share) for share in (0, 0.5, 1)]
    told = [
        HourMark(round(_LEFT + index * slot, 1), f"{local.hour:02}.00")
        for index, local in enumerate(one.astimezone(WIB) for one in hours)
        if local.hour % _EVERY == 0
    ]
    return Chart(series, bars, marks, told)


def _draw_bar(kind: str, x: float, width: float, share: float) -> Bar:
    # A value that is not 0 is seen, however small it is beside the others.
    height = max(1.0, share * (_BOTTOM - _TOP))
    return Bar(kind, round(x, 1), round(_BOTTOM - height, 1), round(width, 1), round(height, 1))


def _round_up(most: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 and so on, upwards and downwards."""
    if most <= 0:
        return 1
    power = 10.0 ** floor(log10(most))
    step = next((step for step in (1, 2, 5, 10) if most <= step * power), 10)
    return step * power if power < 1 else float(ceil(step * power))
