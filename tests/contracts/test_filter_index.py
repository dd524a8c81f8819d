"""The index of filters: finds what evaluating each filter finds, and evaluates few."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.contracts.errors import FilterInvalid
from bus.contracts.filter import compile_filter, read_attribute
from bus.contracts.filter_index import FilterIndex
from tests.contracts.filters import FILTERS, ODD_FILTERS, ODD_SUBJECTS, SUBJECTS

Expression = Mapping[str, Any]


class Read(Mapping[str, Any]):
    """An event that counts how often it is asked for an attribute."""

    def __init__(self, **attributes: Any) -> None:
        self._attributes = attributes
        self.count = 0

    def __getitem__(self, name: str) -> Any:
        self.count += 1
        return self._attributes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)


def index(*filters: Sequence[Expression] | Expression) -> FilterIndex[int]:
    """Filters that stand for their own place."""
    return FilterIndex(([one] if isinstance(one, dict) else list(one), place) for place, one in enumerate(filters))


@given(st.lists(st.lists(FILTERS, min_size=1, max_size=2), max_size=8), SUBJECTS)
def test_what_is_found_is_what_holds(filters: list[list[Expression]], document: dict[str, str]) -> None:
    holding = [
        place
        for place, parts in enumerate(filters)
        if all(compile_filter(part, read_attribute)(document) for part in parts)
    ]
    assert sorted(index(*filters).holding(document)) == holding


@given(st.lists(st.lists(ODD_FILTERS, min_size=1, max_size=2), max_size=8), ODD_SUBJECTS)
def test_what_is_found_is_what_holds_of_values_of_every_kind(
    filters: list[list[Expression]], document: dict[str, Any]
) -> None:
    holding = [
        place
        for place, parts in enumerate(filters)
        if all(compile_filter(part, read_attribute)(document) for part in parts)
    ]
    assert sorted(index(*filters).holding(document)) == holding


def test_all_expressions_of_one_have_to_hold() -> None:
    found = index([{"prefix": {"type": "kependudukan."}}, {"not": {"exact": {"source": "/uji"}}}])
    assert found.holding({"type": "kependudukan.penduduk", "source": "/dukcapil"}) == [0]
    assert found.holding({"type": "kependudukan.penduduk", "source": "/uji"}) == []
    assert found.holding({"type": "perizinan.izin", "source": "/dukcapil"}) == []


@pytest.mark.parametrize("value", [True, 7])
def test_what_is_no_text_is_compared_as_json_writes_it(value: Any) -> None:
    assert index({"exact": {"versi": value}}).holding({"versi": value}) == [0]


@pytest.mark.parametrize("dialect", ["exact", "prefix", "suffix"])
def test_of_a_thousand_filters_those_are_evaluated_that_the_event_leads_to(dialect: str) -> None:
    found = index(*({dialect: {"subject": f"-{number:04}-"}} for number in range(1000)))
    event = Read(subject="-0007-")
    assert found.holding(event) == [7]
    assert event.count == 2


def test_what_all_filters_ask_for_leads_to_none_of_them() -> None:
    found = index(*({"all": [{"exact": {"type": "izin"}}, {"exact": {"subject": str(n)}}]} for n in range(1000)))
    event = Read(type="izin", subject="7")
    assert found.holding(event) == [7]
    assert event.count < 5


def test_equal_filters_are_evaluated_once() -> None:
    found = index(*([{"not": {"exact": {"source": "/uji"}}}] * 1000))
    event = Read(source="/dukcapil")
    assert found.holding(event) == list(range(1000))
    assert event.count == 1


def test_a_filter_as_deep_as_may_be_is_taken() -> None:
    expression: Expression = {"exact": {"a": "b"}}
    for _ in range(16):
        expression = {"not": expression}
    assert index([expression, expression]).holding({"a": "b"}) == [0]


def test_a_filter_that_cannot_be_understood_is_refused() -> None:
    with pytest.raises(FilterInvalid):
        index({"sql": "a = 1"})


@given(st.lists(st.tuples(FILTERS, st.booleans()), max_size=12), SUBJECTS)
def test_a_filter_that_was_removed_is_gone_and_the_others_stay(
    filters: list[tuple[Any, bool]], document: dict[str, str]
) -> None:
    index: FilterIndex[int] = FilterIndex()
    for place, (one, _) in enumerate(filters):
        index.add(place, [one], place)
    for place, (_, is_removed) in enumerate(filters):
        if is_removed:
            index.remove(place)
    kept = {place: one for place, (one, is_removed) in enumerate(filters) if not is_removed}
    holding = [place for place, one in kept.items() if compile_filter(one, read_attribute)(document)]
    assert sorted(index.holding(document)) == holding
    assert len(index) == len(kept)


def test_a_filter_that_asks_for_one_number_in_two_spellings_leaves_the_index_once() -> None:
    index: FilterIndex[int] = FilterIndex()
    index.add(0, [{"any": [{"exact": {"kelas": "3"}}, {"exact": {"kelas": "3.0"}}]}], 0)
    index.remove(0)
    assert index.holding({"kelas": 3}) == []


def test_an_index_that_all_left_holds_nothing_any_more() -> None:
    index: FilterIndex[int] = FilterIndex()
    for place in range(3):
        index.add(place, [{"any": [{"exact": {"subject": f"s{place}"}}, {"prefix": {"source": "urn:"}}]}], place)
    for place in range(3):
        index.remove(place)
    assert (index._always, index._by_text, index._filters, +index._frequency) == ({}, {}, {}, {})
