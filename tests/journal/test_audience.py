"""Which waiting readers an event wakes: those whose view shows it, also as a record's departure."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bus.contracts.document import parse_contract
from bus.contracts.view import View
from bus.journal.audience import Audience, find_news
from bus.journal.entries import Entry
from tests.builders import Document, a_document, a_grant, a_person, an_entry, an_event


class Journal:
    """The events of one record, one after the other, in pieces of two."""

    def __init__(self, *data: Any) -> None:
        self.entries = {
            position: an_entry(position, an_event(position, data=one), key="1")
            for position, one in enumerate(data, start=1)
        }
        self.read: list[int] = []

    def preceding(self, positions: Sequence[int]) -> Mapping[int, int]:
        return {position: position - 1 for position in positions if position > 1}

    def piece(self, positions: Sequence[int]) -> Mapping[int, Entry]:
        self.read += positions[:2]
        return {position: self.entries[position] for position in positions[:2]}


def a_view(**grant: Any) -> View:
    contract = parse_contract(a_document(a_grant("desa", **grant)))
    return View(contract, contract.grants[0], b"k" * 32)


def of_village(name: str) -> Audience:
    view = a_view(rows=[{"exact": {"desa": name}}])
    return Audience(lambda _: view, 0)


SEMBUNG: Document = a_person(desa="sembung")
MADE: Document = a_person(desa="made")


@pytest.mark.parametrize(
    ("events", "judged", "newest"),
    [
        ([SEMBUNG], [1], 1),
        ([MADE], [1], None),
        ([MADE, SEMBUNG, SEMBUNG], [1, 2, 3], 3),
        ([SEMBUNG, MADE], [2], 2),
        ([SEMBUNG, MADE, MADE, MADE], [3, 4], None),
        ([SEMBUNG, None], [2], 2),
        ([MADE, None], [2], None),
    ],
    ids=["inside", "outside", "newest", "departure", "long gone", "deleted inside", "deleted outside"],
)
def test_an_audience_hears_of_the_newest_event_that_it_may_see(
    events: list[Any], judged: list[int], newest: int | None
):
    audience = of_village("sembung")
    assert find_news(Journal(*events), judged, [audience]) == {audience: newest}


def test_an_audience_without_a_view_of_the_version_hears_nothing():
    blind = Audience(lambda _: None, 0)
    assert find_news(Journal(SEMBUNG), [1], [blind]) == {blind: None}


def test_an_audience_that_sees_everything_costs_no_read():
    journal, whole = Journal(SEMBUNG), Audience(None, 0)
    assert find_news(journal, [1], [whole]) == {whole: 1}
    assert journal.read == []


def test_an_event_is_read_once_for_all_audiences():
    villages = [of_village(f"desa-{number}") for number in range(50)]
    journal = Journal(SEMBUNG)
    assert set(find_news(journal, [1], villages).values()) == {None}
    assert journal.read == [1]


def test_many_events_at_once_wake_everybody_unread():
    journal, audience = Journal(*[MADE] * 101), of_village("sembung")
    assert find_news(journal, range(1, 102), [audience]) == {audience: 101}
    assert journal.read == []
