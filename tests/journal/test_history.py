"""Earlier events of the records on a page: any is found, a generation in one query."""

from collections.abc import Sequence

from bus.journal.history import History
from bus.journal.read import Entry


class Counted:
    """A journal of three records whose events take turns; it notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def at(self, positions: Sequence[int]) -> dict[int, Entry]:
        self.asked.append(list(positions))
        return {position: an_entry(position) for position in positions if position > 0}


def an_entry(position: int) -> Entry:
    return Entry(position, 1, 1, "dinkes", "k", position - 3 if position > 3 else None, None, 0, b"{}")


def test_a_generation_is_read_at_once():
    journal = Counted()
    history = History(journal, [an_entry(position) for position in (10, 11, 12)])
    for position in (7, 4, 8, 5, 9, 6, 7):
        assert history.find(position) == an_entry(position)
    assert journal.asked == [[7, 8, 9], [4, 5, 6]]


def test_an_event_that_nobody_announced_is_found_too():
    assert History(Counted(), []).find(2) == an_entry(2)


def test_an_event_that_is_not_there_is_asked_for_once():
    journal = Counted()
    history = History(journal, [])
    assert (history.find(-1), history.find(-1)) == (None, None)
    assert journal.asked == [[-1]]
