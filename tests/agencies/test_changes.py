"""Which rows of a list are new, changed or gone: decisions alone."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.agencies.changes import Changes, Seen, find_changes
from bus.agencies.holding import Plausibility
from bus.kit import Row, Rows, digest


def look(
    *rows: Row, taken: dict[str, str] | None = None, step: int = 0, whole: bool = True, seen: Seen | None = None
) -> Changes:
    listed = Rows("/uji", rows, is_whole=whole)
    return find_changes(listed, taken or {}, "satudata.indikator", lambda _: step, {} if seen is None else seen)


def a_row(key: str | None, value: Any = 1, time: str | None = None) -> Row:
    return Row(key, {"nilai": value}, time)


def told(changes: Changes) -> dict[str, Any]:
    events = [change.event for change in (*changes.changed, *changes.gone) if change.event]
    return {str(event.subject): event.data and event.data["nilai"] for event in events}


def taken_after(changes: Changes, taken: dict[str, str] | None = None) -> dict[str, str]:
    kept = dict(taken or {})
    for change in (*changes.changed, *changes.gone):
        if change.digest is None:
            del kept[change.key]
        elif change.event:
            kept[change.key] = change.digest
    return kept


def ids(changes: Changes) -> list[str]:
    return [change.event.id for change in (*changes.changed, *changes.gone) if change.event]


def refused(changes: Changes) -> list[tuple[str, str]]:
    return [(change.key, change.fault.slug) for change in changes.changed if change.fault]


def test_the_first_look_tells_everything() -> None:
    assert told(look(a_row("a", 1), a_row("b", 2))) == {"a": 1, "b": 2}


def test_an_unchanged_list_tells_nothing() -> None:
    taken = taken_after(look(a_row("a", 1), a_row("b", 2)))
    assert told(look(a_row("b", 2), a_row("a", 1), taken=taken)) == {}


def test_new_changed_and_vanished_rows_are_told() -> None:
    taken = taken_after(look(a_row("a", 1), a_row("b", 2), a_row("c", 3)))
    assert told(look(a_row("a", 1), a_row("b", 5), a_row("d", 4), taken=taken)) == {"b": 5, "d": 4, "c": None}


def test_a_row_that_is_not_on_a_page_is_not_gone() -> None:
    taken = taken_after(look(a_row("a", 1)))
    assert told(look(a_row("b", 2), taken=taken, whole=False)) == {"b": 2}


@pytest.mark.parametrize("key", [None, "", "\x00", "x" * 2_000])
def test_nothing_is_gone_while_a_row_of_the_list_has_no_usable_key(key: str | None) -> None:
    taken = taken_after(look(a_row("a", 1), a_row("b", 2)))
    assert look(a_row("a", 1), a_row(key, 2), taken=taken).gone == []
    assert told(look(a_row("a", 1), taken=taken)) == {"b": None}


def test_a_step_repeated_after_a_crash_makes_the_same_ids() -> None:
    taken = taken_after(look(a_row("a", 1), a_row("b", 1)))
    assert ids(look(a_row("a", 2), taken=taken, step=7)) == ids(look(a_row("a", 2), taken=taken, step=7))


def test_a_row_that_changes_back_is_news_with_another_id() -> None:
    first = look(a_row("a", 1), step=0)
    second = look(a_row("a", 2), taken=taken_after(first), step=1)
    third = look(a_row("a", 1), taken=taken_after(second), step=2)
    assert told(third) == {"a": 1}
    assert not set(ids(third)) & set(ids(first))


def test_a_change_of_the_time_alone_is_news() -> None:
    taken = taken_after(look(a_row("a", 1, "2026-03-03T08:00:00+07:00")))
    assert told(look(a_row("a", 1, "2026-03-04T08:00:00+07:00"), taken=taken)) == {"a": 1}


def test_equal_rows_are_one_and_of_unequal_rows_with_one_key_the_first_counts() -> None:
    found = look(a_row("a", 1), a_row("a", 1), a_row("b", 1), a_row("b", 2))
    assert (told(found), refused(found)) == ({"a": 1, "b": 1}, [("b", "row-repeated")])


def test_a_row_that_says_something_else_on_a_later_page_waits_for_the_next_round() -> None:
    seen: Seen = {}
    first = look(a_row("a", 1), whole=False, seen=seen)
    second = look(a_row("a", 2), taken=taken_after(first), whole=False, seen=seen)
    assert (told(second), refused(second)) == ({}, [("a", "row-repeated")])


@pytest.mark.parametrize("key", [None, "", "a\0", "a\ud83d", "x" * 1025], ids=["none", "empty", "nul", "half", "long"])
def test_a_row_without_a_usable_key_is_named_by_what_it_says(key: str | None) -> None:
    found = look(a_row(key, 1), a_row(key, 1), a_row(key, 2))
    mark = digest({"nilai": 1})
    assert [change.key for change in found.changed] == [f"?{mark}", f"?{mark}-2", f"?{digest({'nilai': 2})}"]


def test_a_key_with_any_other_character_stays_the_rows_own() -> None:
    assert [change.key for change in look(a_row("a\u00a0b/é~😀")).changed] == ["a\u00a0b/é~😀"]


def test_a_long_key_does_not_make_the_id_too_long() -> None:
    key = "x" * 1024
    (change,) = look(a_row(key)).changed
    assert change.event is not None
    assert (change.key, change.event.subject, len(change.event.id) <= 1024) == (key, key, True)


@pytest.mark.parametrize(
    "odd",
    ["\ud83d", Decimal("18446744073709551617"), Decimal("Infinity"), 2**80, {"a": ["\udc00"]}, "\0", None, [], True],
)
def test_no_value_of_a_row_is_without_a_digest(odd: Any) -> None:
    (change,) = look(a_row("a", odd)).changed
    assert change.digest != look(a_row("a", "lain")).changed[0].digest


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Decimal("18446744073709551617"), "18446744073709551617"),
        ("\ud83d", "\\ud83d"),
        (1, "1"),
        (1, True),
        (None, "null"),
    ],
)
def test_what_reads_alike_and_is_another_value_is_a_change(before: Any, after: Any) -> None:
    taken = taken_after(look(a_row("a", before)))
    assert told(look(a_row("a", after), taken=taken)) == {"a": after}


@given(
    before=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
    after=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
)
def test_what_is_told_leads_from_the_list_before_to_the_list_now(before: dict[str, int], after: dict[str, int]) -> None:
    def rows(of: dict[str, int]) -> Sequence[Row]:
        return [a_row(key, value) for key, value in of.items()]

    changes = look(*rows(after), taken=taken_after(look(*rows(before))))
    news = told(changes)
    assert {key: value for key, value in (before | news).items() if value is not None} == after
    assert all(before.get(key) != value for key, value in news.items())


@pytest.mark.parametrize(
    ("deletions", "known", "is_plausible"),
    [(0, 0, True), (10, 12, True), (11, 109, False), (11, 110, True), (97, 100, False), (100, 1000, True)],
)
def test_more_than_a_tenth_and_more_than_ten_are_implausible(deletions: int, known: int, is_plausible: bool) -> None:
    assert Plausibility().judge(deletions, known, known - deletions or 1) is is_plausible


def test_an_emptied_list_is_implausible_however_short_it_was() -> None:
    assert not Plausibility().judge(1, 1, 0)
    assert Plausibility().judge(0, 0, 0)
