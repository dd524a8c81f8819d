import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.kit import AgencyFault, Failure
from bus.kit.changes import find_changes


def seen(cursor, most=500, **records):
    rows = {key: {"nilai": value} for key, value in records.items()}
    return find_changes(cursor, rows, contract="satudata.indikator", source="/uji", most=most)


def told(polled):
    return {event.subject: event.data and event.data["nilai"] for event in polled.events}


def test_the_first_look_tells_everything():
    assert told(seen(None, a=1, b=2)) == {"a": 1, "b": 2}


def test_an_unchanged_list_tells_nothing():
    first = seen(None, a=1, b=2)
    assert told(seen(first.cursor, b=2, a=1)) == {}


def test_new_changed_and_vanished_rows_are_told():
    first = seen(None, a=1, b=2, c=3)
    assert told(seen(first.cursor, a=1, b=5, d=4)) == {"b": 5, "d": 4, "c": None}


def test_a_vanished_row_is_told_once():
    second = seen(seen(None, a=1, b=2).cursor, a=1)
    assert told(seen(second.cursor, a=1)) == {}


def test_a_step_repeated_after_a_crash_makes_the_same_ids():
    first = seen(None, a=1)
    again = [[event.id for event in seen(first.cursor, a=2).events] for _ in range(2)]
    assert again[0] == again[1]


def test_a_row_that_changes_back_is_news_with_another_id():
    first = seen(None, a=1)
    second = seen(first.cursor, a=2)
    third = seen(second.cursor, a=1)
    assert told(third) == {"a": 1}
    assert third.events[0].id != first.events[0].id


def test_an_emptied_list_deletes_nothing():
    first = seen(None, a=1)
    with pytest.raises(AgencyFault) as caught:
        seen(first.cursor)
    assert caught.value.failure is Failure.TRANSIENT


def test_an_empty_list_at_first_is_fine():
    assert told(seen(None)) == {}


@given(
    before=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), min_size=1),
    after=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), min_size=1),
    most=st.integers(1, 3),
)
def test_small_steps_end_where_one_big_step_does(before, after, most):
    cursor = seen(None, **before).cursor
    whole = told(seen(cursor, **after))
    pieces, more = {}, True
    while more:
        step = seen(cursor, most=most, **after)
        assert len(step.events) <= most
        pieces, cursor, more = pieces | told(step), step.cursor, step.more
    assert pieces == whole
    assert told(seen(cursor, **after)) == {}
