"""A stretch is found by each of its positions and by no other, whatever lies between two cuts."""

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from bus.disclosures.positions import count_positions, join_ranges, pack_positions, unpack_positions
from bus.disclosures.stretches import SIZES, cut_stretches, holds_position, list_blocks

LARGEST = SIZES[-1]
some_positions = st.lists(st.integers(1, 3 * LARGEST), min_size=1, max_size=60, unique=True).map(sorted)


def is_found(positions: Sequence[int], asked: int) -> bool:
    """Whether a question about one position, which looks into one block of each size, finds it."""
    return any(
        one.block in list_blocks(asked) and one.first <= asked <= one.last and holds_position(one.positions, asked)
        for one in cut_stretches(positions)
    )


@given(some_positions, st.integers(1, 3 * LARGEST))
@example([LARGEST - 1, LARGEST], LARGEST)
@example([1, LARGEST - 1], 2)
@example([63, 64], 64)
@example(list(range(1, 2 * LARGEST + 2)), 2 * LARGEST)
def test_a_position_is_found_if_and_only_if_it_was_disclosed(positions: list[int], other: int):
    assert all(is_found(positions, position) for position in positions)
    assert is_found(positions, other) == (other in positions)


def test_a_page_that_lies_together_is_one_small_stretch():
    (stretch,) = cut_stretches(range(5, 1005))
    assert (stretch.first, stretch.last, stretch.positions) == (5, 1004, None)


def test_positions_far_apart_make_no_more_stretches_than_the_journal_has_largest_blocks():
    assert len(list(cut_stretches(range(1, 40 * LARGEST, 97)))) == 40


@given(some_positions)
def test_positions_come_back_as_they_were_packed(positions: list[int]):
    packed = pack_positions(positions)
    assert (unpack_positions(packed), count_positions(packed)) == (positions, len(positions))
    assert [position for first, last in join_ranges(positions) for position in range(first, last + 1)] == positions
