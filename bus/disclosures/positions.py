"""Positions as bytes: ascending numbers, packed as LEB128 numbers of their differences."""

from collections.abc import Iterable
from typing import Final

_CONTINUED: Final = bytes(range(0x80, 0x100))
"""Bytes that do not end a number."""


def pack_positions(positions: Iterable[int]) -> bytes:
    """Ascending positions, packed. Close positions take a byte each."""
    out = bytearray()
    last = 0
    for position in positions:
        step, last = position - last, position
        while step > 0x7F:
            out.append(step & 0x7F | 0x80)
            step >>= 7
        out.append(step)
    return bytes(out)


def unpack_positions(data: bytes | None) -> list[int]:
    """The positions that `pack_positions` packed; none for None."""
    positions: list[int] = []
    position = step = shift = 0
    for byte in data or b"":
        step |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            continue
        position += step
        positions.append(position)
        step = shift = 0
    return positions


def count_positions(data: bytes | None) -> int:
    """How many positions were packed. Does not unpack them."""
    return len(data.translate(None, _CONTINUED)) if data else 0


def join_ranges(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending positions as ranges of neighbours: the first and the last position of each."""
    ranges: list[tuple[int, int]] = []
    first = last = None
    for position in positions:
        if last is not None and position == last + 1:
            last = position
            continue
        if first is not None and last is not None:
            ranges.append((first, last))
        first = last = position
    if first is not None and last is not None:
        ranges.append((first, last))
    return ranges
