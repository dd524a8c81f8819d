"""Places in data: JSON Pointers in a tree, to compare many with many fast. The token `*` is any name or index."""

from collections.abc import Iterable, Iterator, Sequence

from bus import json


class Places:
    """A set of pointers. It finds pointers above or below another pointer."""

    def __init__(self, pointers: Iterable[str]) -> None:
        self._root = _Place()
        for pointer in pointers:
            self._root.under(json.parse_pointer(pointer)).pointer = pointer

    def cover(self, pointer: str) -> bool:
        """Whether a pointer lies in one of the set."""
        return any(place.pointer is not None for place in _walk_along(self._root, json.parse_pointer(pointer)))

    def meet(self, pointer: str) -> bool:
        """Whether a pointer lies in one of the set, or one of the set lies in it."""
        return self.cover(pointer) or any(True for _ in self.inside(pointer))

    def inside(self, pointer: str) -> Iterator[str]:
        """The pointers of the set that lie in a pointer, outer before inner, in their given order."""
        steps = json.parse_pointer(pointer)
        for place in _walk_along(self._root, steps, len(steps)):
            yield from _list_ends(place)


class _Place:
    __slots__ = ("below", "pointer")

    def __init__(self) -> None:
        self.pointer: str | None = None
        self.below: dict[str, _Place] = {}

    def under(self, steps: Sequence[str]) -> "_Place":
        place = self
        for step in steps:
            place = place.below.setdefault(step, _Place())
        return place

    def next(self, step: str) -> Iterable["_Place"]:
        if step == "*":
            return self.below.values()
        return [self.below[name] for name in (step, "*") if name in self.below]


def _walk_along(root: _Place, steps: Sequence[str], least: int = 0) -> Iterator[_Place]:
    """The places on the way along some steps, after at least `least` steps."""
    row: list[_Place] = [root]
    for step in steps:
        if least <= 0:
            yield from row
        least -= 1
        row = [below for place in row for below in place.next(step)]
    yield from row


def _list_ends(place: _Place) -> Iterator[str]:
    waiting = [place]
    while waiting:
        one = waiting.pop()
        if one.pointer is not None:
            yield one.pointer
        waiting.extend(reversed(one.below.values()))
