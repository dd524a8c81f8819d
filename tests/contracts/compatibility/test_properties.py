"""What must hold for all schemas: what is called compatible is, examples show what they say, the gate agrees on every value."""

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bus.contracts.compatibility.answers import Found, Nothing
from bus.contracts.compatibility.budget import Budget, Spent
from bus.contracts.compatibility.comparison import Comparisons
from bus.contracts.compatibility.logic import one_of
from bus.contracts.compatibility.meaning import Meaning
from bus.contracts.compatibility.nodes import Library
from bus.contracts.compatibility.search import Search
from bus.contracts.validation import SchemaUnusable, Validator
from tests.contracts.compatibility.generated import VALUES, chains, pairs, schemas

STEPS = 30_000
thorough = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def compiled(schema: Any) -> Validator:
    try:
        return Validator(schema)
    except SchemaUnusable:
        assume(False)
        raise


def values_of(schema: Any, number: int = 12) -> list[Any]:
    """Values at the edges of a schema, each another one."""
    budget = Budget(STEPS)
    meaning = Meaning(Library(budget))
    search = Search(meaning, budget)
    found: list[Any] = []
    with suppress(Spent):
        for _ in range(number):
            wish = [one_of(found, positive=False)] if found else []
            answer = search.find([meaning.literal(schema, schema), *wish])
            if isinstance(answer, Found):
                found.append(answer.value)
    return found


@thorough
@given(pairs() | st.tuples(schemas(), schemas()), st.lists(VALUES, max_size=20))
def test_no_value_of_the_old_schema_fails_a_new_one_that_is_called_compatible(
    pair: tuple[Any, Any], values: list[Any]
) -> None:
    old, new = pair
    before, after = compiled(old), compiled(new)
    if Comparisons(Budget(STEPS)).contained(old, new):
        for value in (*values, *values_of(old)):
            assert after.is_valid(value) or not before.is_valid(value)


@thorough
@given(pairs() | st.tuples(schemas(), schemas()))
def test_every_break_is_shown_by_a_value_that_both_validators_judge_so(pair: tuple[Any, Any]) -> None:
    old, new = pair
    before, after = compiled(old), compiled(new)
    for each in Comparisons(Budget(STEPS)).breaks(old, new):
        if isinstance(each.answer, Found):
            assert before.is_valid(each.answer.value)
            assert not after.is_valid(each.answer.value)


@thorough
@given(pairs(), st.lists(VALUES, min_size=5, max_size=20))
def test_what_a_value_breaks_is_not_called_compatible(pair: tuple[Any, Any], values: list[Any]) -> None:
    old, new = pair
    before, after = compiled(old), compiled(new)
    if any(before.is_valid(value) and not after.is_valid(value) for value in values):
        assert Comparisons(Budget(STEPS)).breaks(old, new)


@thorough
@given(schemas())
def test_a_schema_is_compatible_with_itself(schema: Any) -> None:
    compiled(schema)
    assert Comparisons(Budget(STEPS)).contained(schema, {**schema, "title": "Judul"})


@thorough
@given(chains())
def test_compatibility_reaches_over_a_version_in_between(chain: tuple[Any, Any, Any]) -> None:
    oldest, old, new = chain
    compiled(oldest), compiled(old), compiled(new)
    comparisons = Comparisons(Budget(STEPS))
    if comparisons.contained(oldest, old) and comparisons.contained(old, new):
        assert not [each for each in comparisons.breaks(oldest, new) if isinstance(each.answer, Found)]


@thorough
@given(schemas(), st.lists(VALUES, min_size=3, max_size=10))
def test_the_meaning_of_a_schema_is_what_the_gate_makes_of_it(schema: Any, values: list[Any]) -> None:
    gate = compiled(schema)
    budget = Budget(10 * STEPS)
    meaning = Meaning(Library(budget))
    search = Search(meaning, budget)
    literal = meaning.literal(schema, schema)
    for value in values:
        assert search.truth.holds(literal, value) is gate.is_valid(value)
        assert search.truth.holds(literal.negated(), value) is not gate.is_valid(value)


@thorough
@given(schemas(), st.lists(VALUES, min_size=5, max_size=20))
def test_a_schema_is_found_to_have_no_values_only_where_it_has_none(schema: Any, values: list[Any]) -> None:
    gate = compiled(schema)
    budget = Budget(STEPS)
    meaning = Meaning(Library(budget))
    with suppress(Spent):
        answer = Search(meaning, budget).find([meaning.literal(schema, schema)])
        assert not isinstance(answer, Found) or gate.is_valid(answer.value)
        assert not isinstance(answer, Nothing) or not any(gate.is_valid(value) for value in values)
