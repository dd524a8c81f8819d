"""The walk to where records left a view: what it holds, what it charges, and where it ends."""

from collections.abc import Mapping, Sequence

from bus.contracts.document import parse_contract
from bus.contracts.view import View
from bus.journal.read import Entry
from bus.journal.viewed import Walk
from tests.builders import a_document, a_grant, a_person, an_entry, an_event

SEMBUNG = [{"exact": {"desa": "sembung"}}]
RECORDS = 3
PIECE = 2


class Journal:
    """Records whose events take turns: the first of each in the rows, the others outside. It hands out small pieces."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def preceding(self, positions: Sequence[int]) -> Mapping[int, int]:
        return {position: position - RECORDS for position in positions if position > RECORDS}

    def piece(self, positions: Sequence[int]) -> Mapping[int, Entry]:
        self.read += positions[:PIECE]
        return {position: a_turn(position) for position in positions[:PIECE]}


def a_turn(position: int) -> Entry:
    """The event at a position: its record is in Sembung with the first event alone."""
    number = position % RECORDS
    desa = "sembung" if position <= RECORDS else "paciran"
    return an_entry(position, an_event(data=a_person(number, desa=desa)))


def a_walk(journal: Journal, *heads: int, after: int = 0, most: int = 1000) -> Walk:
    contract = parse_contract(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    view = View(contract, contract.grants[0], b"k" * 32)
    charged: list[int] = []

    def charge(size: int) -> bool:
        charged.append(size)
        assert size > 0
        return len(charged) >= most

    walk = Walk(journal, [(a_turn(position), view) for position in heads], after, charge)
    for _ in walk.run():
        pass
    assert len(charged) == len(journal.read)
    return walk


def test_every_history_is_walked_to_where_the_record_left():
    walk = a_walk(Journal(), 31, 32, 33)
    assert (walk.left, walk.unfinished) == ({31: 4, 32: 5, 33: 6}, None)


def test_what_left_up_to_the_cursor_is_not_looked_for():
    journal = Journal()
    assert a_walk(journal, 31, 32, 33, after=5).left == {33: 6}
    assert min(journal.read) == 3


def test_a_walk_that_looked_at_enough_ends_with_the_first_record():
    journal = Journal()
    walk = a_walk(journal, 31, 32, 33, most=1)
    assert (walk.left, walk.unfinished) == ({31: 4}, 32)
    assert journal.read == [28, 29, 25, 22, 19, 16, 13, 10, 7, 4, 1]


def test_a_record_that_was_never_in_the_view_did_not_leave_it():
    contract = parse_contract(a_document(a_grant("desa-lain", rows=[{"exact": {"desa": "lain"}}])))
    view = View(contract, contract.grants[0], b"k" * 32)
    walk = Walk(Journal(), [(a_turn(31), view)], 0, lambda _: False)
    assert sum(1 for _ in walk.run()) == 10
    assert walk.left == {}
