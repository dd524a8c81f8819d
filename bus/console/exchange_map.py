"""The map of the exchange as geometry: senders on the left, receivers on the right, a line for each link between them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from bus.console.links import Health, Link
from bus.identity import Kind, Participant

WIDTH: Final = 560
MOST: Final = 12
"""Boxes of a side. More would not be seen at a glance; the table has all."""
_BOX: Final = (180, 40)
_ROW: Final = 50
_TOP, _SIDE = 6, 2
_THINNEST, _THICKEST = 1.5, 9.0
_THINNEST_OF_BAD: Final = 3.0
"""Nothing may come over a line, and that is what somebody has to see."""
_SPREAD: Final = 28
"""The height at a box over which its lines are spread."""
_SIGN_AT: Final = 0.8
"""Where on a line its sign is, from 0 at the sender to 1 at the receiver."""
_NAME_LETTERS, _TITLE_LETTERS = 20, 28
"""What fits into a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """A participant.

    Attributes:
        label, line: its name and its title, cut to what fits. A participant that is gone has no title.
        x, y: the upper left corner.
    """

    name: str
    title: str
    label: str
    line: str
    is_ministry: bool
    x: int
    y: int

    @property
    def middle(self) -> float:
        """The height of its middle."""
        return self.y + _BOX[1] / 2


@dataclass(frozen=True, slots=True)
class Line:
    """A link.

    Attributes:
        path: its curve, as SVG writes it.
        width: by the number of events.
        sign_x, sign_y: where the sign of its health is.
    """

    link: Link
    path: str
    width: float
    sign_x: float
    sign_y: float


@dataclass(frozen=True, slots=True)
class ExchangeMap:
    """The whole drawing.

    Attributes:
        left_out: links that are not drawn.
    """

    boxes: Sequence[Box]
    lines: Sequence[Line]
    height: int
    left_out: int
    width: int = WIDTH
    box_width: int = _BOX[0]
    box_height: int = _BOX[1]


def draw_map(links: Sequence[Link], participants: Mapping[str, Participant]) -> ExchangeMap:
    """The map of links.

    Args:
        links: in the order of `list_links`. The first ones are drawn.
        participants: what is known of senders and receivers, by name.
    """
    senders = _choose([one.sender for one in links])
    receivers = _choose([one.receiver for one in links])
    drawn = [one for one in links if one.sender in senders and one.receiver in receivers]
    receivers = _order_by_senders(receivers, senders, drawn)
    rows = max(len(senders), len(receivers), 1)
    left = _place(senders, _SIDE, rows, participants)
    right = _place(receivers, WIDTH - _SIDE - _BOX[0], rows, participants)
    most = max((one.events for one in drawn), default=0)
    begins = _spread(drawn, lambda one: one.sender, lambda one: receivers.index(one.receiver))
    ends = _spread(drawn, lambda one: one.receiver, lambda one: senders.index(one.sender))
    lines = [
        _draw_line(one, left[one.sender].middle + begins[index], right[one.receiver].middle + ends[index], most)
        for index, one in enumerate(drawn)
    ]
    # The worst is drawn last, and so lies above the others.
    lines.reverse()
    return ExchangeMap([*left.values(), *right.values()], lines, rows * _ROW + _TOP, len(links) - len(drawn))


def _choose(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))[:MOST]


def _order_by_senders(receivers: Sequence[str], senders: Sequence[str], drawn: Sequence[Link]) -> list[str]:
    """Receivers at the height of who sends to them, so that few lines cross."""
    places: dict[str, list[int]] = {one: [] for one in receivers}
    for link in drawn:
        places[link.receiver].append(senders.index(link.sender))
    return sorted(receivers, key=lambda one: (sum(places[one]) / len(places[one]) if places[one] else 0, one))


def _place(names: Sequence[str], x: int, rows: int, participants: Mapping[str, Participant]) -> dict[str, Box]:
    """The boxes of one side. A side with fewer of them stands in the middle of the height."""
    boxes, top = {}, _TOP + (rows - len(names)) * _ROW // 2
    for index, name in enumerate(names):
        known = participants.get(name)
        title = known.title if known else ""
        is_ministry = known is not None and known.kind is Kind.MINISTRY
        labels = _cut(name, _NAME_LETTERS), _cut(title, _TITLE_LETTERS)
        boxes[name] = Box(name, title, *labels, is_ministry, x, top + index * _ROW)
    return boxes


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def _spread(drawn: Sequence[Link], box: Callable[[Link], str], other: Callable[[Link], int]) -> list[float]:
    """How far from the middle of its box each line begins or ends, in the order of the boxes on the other side."""
    places = [0.0] * len(drawn)
    for name in {box(one) for one in drawn}:
        mine = sorted((index for index, one in enumerate(drawn) if box(one) == name), key=lambda i: other(drawn[i]))
        step = _SPREAD / len(mine)
        for place, index in enumerate(mine):
            places[index] = (place - (len(mine) - 1) / 2) * step
    return places


def _draw_line(link: Link, begin: float, end: float, most: int) -> Line:
    x, to = _SIDE + _BOX[0], WIDTH - _SIDE - _BOX[0]
    middle = (x + to) / 2
    share = link.events / most if most else 0
    thinnest = _THINNEST_OF_BAD if link.health is Health.BAD else _THINNEST
    t, rest = _SIGN_AT, 1 - _SIGN_AT
    weights = (rest**3, 3 * rest**2 * t, 3 * rest * t**2, t**3)
    return Line(
        link,
        f"M{x} {begin:.1f}C{middle:.0f} {begin:.1f} {middle:.0f} {end:.1f} {to} {end:.1f}",
        round(thinnest + (_THICKEST - thinnest) * sqrt(share), 1),
        round(sum(w * p for w, p in zip(weights, (x, middle, middle, to), strict=True)), 1),
        round(sum(w * p for w, p in zip(weights, (begin, begin, end, end), strict=True)), 1),
    )


SIGNS: Final = {Health.WARN: "▲", Health.BAD: "■", Health.IDLE: "○"}
"""What a line carries beside its colour and its dashes."""
