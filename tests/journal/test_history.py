"""Earlier events of the records on a page: any is found, the places of all at once, and a piece of them is held."""

from collections.abc import Sequence

from bus.journal.entries import Entry
from bus.journal.history import History
from tests.builders import an_entry

PIECE = 2


class Counted:
    """A journal of three records whose events take turns; it notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.pieces: list[list[int]] = []

    def preceding(self, positions: Sequence[int]) -> dict[int, int]:
        self.asked.append(list(positions))
        return {position: position - 3 for position in positions if position > 3}

    def piece(self, positions: Sequence[int]) -> dict[int, Entry]:
        self.pieces.append(list(positions))
        return {position: an_entry(position) for position in positions[:PIECE]}


def test_a_page_is_asked_for_at_once_and_read_in_pieces():
    journal = Counted()
    history = History(journal, [an_entry(position) for position in (10, 11, 12)])
    for position in (10, 10, 11, 12, 10):
        assert history.before(an_entry(position)) == an_entry(position - 3)
    assert journal.asked == [[10, 11, 12]]
    assert journal.pieces == [[7, 8, 9], [9], [7, 8, 9]]


def test_an_event_that_nobody_announced_is_found_too():
    assert History(Counted(), []).before(an_entry(5)) == an_entry(2)


def test_the_first_event_of_a_record_is_asked_for_once():
    journal = Counted()
    history = History(journal, [])
    assert (history.before(an_entry(1)), history.before(an_entry(1))) == (None, None)
    assert (journal.asked, journal.pieces) == ([[1]], [])


def test_what_is_no_record_is_not_asked_for():
    journal = Counted()
    history = History(journal, [an_entry(4, key=None), an_entry(5)])
    assert history.before(an_entry(4, key=None)) is None
    assert history.before(an_entry(5)) == an_entry(2)
    assert journal.asked == [[5]]
