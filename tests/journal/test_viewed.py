"""Events as one consumer sees them, and the walk to where records left a view."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bus import json
from bus.contracts.document import parse_contract
from bus.contracts.view import View
from bus.journal.entries import Entry
from bus.journal.viewed import Walk, apply_view, departure, standing
from tests.builders import Document, a_document, a_grant, a_nik, a_person, an_entry, an_event

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


# One event.


def seen_by(**grant: Any) -> View:
    """How bapenda sees residents under a grant."""
    contract = parse_contract(a_document(a_grant(**grant)))
    return View(contract, contract.grants[0], b"k" * 32)


def data_shown(entry: Entry, view: View, before: Entry | None = None) -> Any:
    """The data of what a view shows of an event; an ellipsis where it shows nothing."""
    shown = apply_view(entry, view, lambda _: before)
    return ... if shown is None else json.loads(shown)["data"]


IN_SEMBUNG, IN_PACIRAN = (an_event(data=a_person(desa=desa)) for desa in ("sembung", "paciran"))
DELETED = an_event(subject=a_nik(1), data=None)


def test_a_view_of_everything_shows_the_bytes_as_they_are_stored():
    closed = {"type": "object", "properties": {"nik": {"type": "string"}}, "required": ["nik"]}
    contract = parse_contract(a_document(a_grant(), schema=closed | {"additionalProperties": False}))
    entry, view = an_entry(1), View(contract, contract.grants[0], b"k" * 32)
    assert apply_view(entry, view, lambda _: None) is entry.body
    assert standing(entry, view) is entry.body


def test_a_field_that_is_not_granted_is_not_shown():
    assert data_shown(an_entry(), seen_by(fields=["/nama"])) == {"nama": "Rekaan 1"}


@pytest.mark.parametrize(
    ("event", "before", "shown"),
    [
        pytest.param(IN_SEMBUNG, None, a_person(desa="sembung"), id="inside the rows"),
        pytest.param(IN_PACIRAN, None, ..., id="outside from the beginning"),
        pytest.param(IN_PACIRAN, IN_SEMBUNG, None, id="left the rows"),
        pytest.param(IN_PACIRAN, IN_PACIRAN, ..., id="left earlier"),
        pytest.param(IN_PACIRAN, DELETED, ..., id="made anew outside"),
        pytest.param(DELETED, IN_SEMBUNG, None, id="deleted inside"),
        pytest.param(DELETED, IN_PACIRAN, ..., id="deleted outside"),
    ],
)
def test_a_record_that_leaves_the_rows_is_deleted_for_its_consumer_and_then_nothing_is_told_of_it(
    event: Document, before: Document | None, shown: Any
):
    earlier = None if before is None else an_entry(1, before)
    assert data_shown(an_entry(2, event), seen_by(rows=SEMBUNG), earlier) == shown


def test_the_event_by_which_a_record_left_tells_nothing_of_where_it_went():
    shown = departure(an_entry(2, IN_PACIRAN), seen_by(rows=SEMBUNG))
    assert json.loads(shown)["data"] is None
    assert b"paciran" not in shown


def test_of_records_only_those_inside_the_rows_stand():
    view = seen_by(rows=SEMBUNG)
    inside, outside = (standing(an_entry(1, event), view) for event in (IN_SEMBUNG, IN_PACIRAN))
    assert (json.loads(inside or b"null")["data"], outside) == (IN_SEMBUNG["data"], None)
