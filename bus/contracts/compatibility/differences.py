"""Writes "differs from a given array or object" as formulas: another size, another item, another member."""

from collections.abc import Iterator
from typing import Any

from bus.contracts.compatibility.logic import (
    ALWAYS,
    Either,
    Formula,
    Has,
    Named,
    Outside,
    Size,
    SomeItem,
    SomeMember,
    one_of,
)


def other_than(value: list[Any] | dict[str, Any]) -> Formula:
    """The formula that exactly the arrays (objects) fulfil that differ from `value`."""
    return Either(tuple(_differ_from_array(value) if isinstance(value, list) else _differ_from_object(value)))


def _differ_from_array(items: list[Any]) -> Iterator[Formula]:
    yield Size(len(items) + 1, upper=False)
    if items:
        yield Size(len(items) - 1, upper=True)
    for index, item in enumerate(items):
        yield SomeItem(index, index + 1, one_of([item], positive=False))


def _differ_from_object(members: dict[str, Any]) -> Iterator[Formula]:
    yield SomeMember(Outside(frozenset(members), frozenset()), ALWAYS)
    for name, value in members.items():
        yield Has(name, positive=False)
        yield SomeMember(Named(name), one_of([value], positive=False))
