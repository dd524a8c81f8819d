"""Stretches: the index that finds the disclosures of an event by its position.

A disclosure's positions are cut at the bounds of the largest blocks. A stretch is what lies between two cuts. It is filed under
the smallest block that holds all of it. So a question about one position looks into one block of each size, however many
disclosures there are. docs/decisions/disclosures-by-stretch.md says why.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from struct import pack, unpack
from typing import Final, NamedTuple

SIZES: Final = (1, 64, 1024, 16_384)
"""Positions in a block of each level. Each size divides the next one."""
_LEVELS: Final = tuple(enumerate(SIZES))
_LARGEST: Final = SIZES[-1]


class Stretch(NamedTuple):
    """Positions of one disclosure within one block.

    Attributes:
        block: the block's first position times the number of levels, plus the block's level.
        positions: the distances from the beginning of the largest block, two bytes each. A database can look for two bytes.
            None: every position from `first` to `last`.
    """

    block: int
    first: int
    last: int
    positions: bytes | None


def cut_stretches(positions: Sequence[int]) -> Iterator[Stretch]:
    """The stretches of ascending positions."""
    start = 0
    while start < len(positions):
        first = positions[start]
        end = bisect_right(positions, first - first % _LARGEST + _LARGEST - 1, start)
        last = positions[end - 1]
        packed = None
        if last - first >= end - start:
            packed = pack(f">{end - start}H", *[position % _LARGEST for position in positions[start:end]])
        yield Stretch(_find_block(first, last), first, last, packed)
        start = end


def list_blocks(position: int) -> list[int]:
    """The blocks that hold a position, one of each size."""
    return [(position - position % size) * len(SIZES) + level for level, size in _LEVELS]


def pack_position(position: int) -> bytes:
    """A position as `Stretch.positions` has it."""
    return pack(">H", position % _LARGEST)


def holds_position(packed: bytes | None, position: int) -> bool:
    """Whether a position between the first and last one of a stretch is in it.

    A database that finds the two bytes may have found halves of two others.
    """
    return packed is None or position % _LARGEST in unpack(f">{len(packed) // 2}H", packed)


def _find_block(first: int, last: int) -> int:
    """The smallest block that holds two positions of one largest block."""
    for level, size in _LEVELS:
        begin = first - first % size
        if last < begin + size:
            return begin * len(SIZES) + level
    raise AssertionError("the positions are in one block of the largest size")
