"""Filters in the dialects of CloudEvents Subscriptions (exact, prefix, suffix, all, any, not), compiled to predicates.

A grant's rows filter the data, a subscription's filters the context attributes; they differ in what a name means alone.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from bus import json
from bus.contracts.errors import FilterInvalid
from bus.problem import FieldError

T = TypeVar("T")
Predicate = Callable[[T], bool]
Accessor = Callable[[T], Any]
Accessors = Callable[[str], Accessor[T]]
"""Gives for a name what finds its value."""

_DEEPEST = 16
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "exact": str.__eq__,
    "prefix": str.startswith,
    "suffix": str.endswith,
}


def compile_filter(expression: Any, accessors: Accessors[T], at: str = "") -> Predicate[T]:
    """The predicate that a filter expression means.

    Several names in one expression must all match. A value that is absent, null or not a scalar matches nothing; numbers
    and booleans are compared as JSON writes them.

    Args:
        expression: such as `{"prefix": {"type": "kependudukan."}}`.
        accessors: `data_field` or `attribute`.
        at: pointer of the expression in the request, for the error.

    Raises:
        FilterInvalid: with the pointer of what is wrong.
    """
    return _compiled(expression, accessors, at, 0)


def data_field(name: str) -> Accessor[Any]:
    """Finds a field of the data: a top-level property's name, or a JSON Pointer."""
    pointer = name if name.startswith("/") else json.pointer((name,))
    tokens = json.path(pointer)
    if len(tokens) == 1:
        only = tokens[0]
        return lambda data: data.get(only) if isinstance(data, dict) else None
    return lambda data: json.at(data, pointer)


def attribute(name: str) -> Accessor[Mapping[str, Any]]:
    """Finds a context attribute of a CloudEvent in its JSON format."""
    return lambda document: document.get(name)


def _compiled(expression: Any, accessors: Accessors[T], at: str, depth: int) -> Predicate[T]:
    if depth > _DEEPEST:
        raise _invalid(at, f"is nested deeper than {_DEEPEST}")
    if not isinstance(expression, dict) or len(expression) != 1:
        raise _invalid(at, "must be an object with one member: exact, prefix, suffix, all, any or not")
    dialect, operand = next(iter(expression.items()))
    below = at + json.pointer((str(dialect),))
    if dialect in _TEXT_TESTS:
        return _text_test(_TEXT_TESTS[dialect], operand, accessors, below)
    if dialect == "not":
        negated = _compiled(operand, accessors, below, depth + 1)
        return lambda subject: not negated(subject)
    if dialect in ("all", "any"):
        parts = _parts(operand, accessors, below, depth)
        quantifier = all if dialect == "all" else any
        return lambda subject: quantifier(part(subject) for part in parts)
    raise _invalid(at, "knows the dialects exact, prefix, suffix, all, any and not")


def _parts(operand: Any, accessors: Accessors[T], at: str, depth: int) -> tuple[Predicate[T], ...]:
    if not isinstance(operand, list) or not operand:
        raise _invalid(at, "must be a list with at least one filter")
    return tuple(_compiled(part, accessors, f"{at}/{index}", depth + 1) for index, part in enumerate(operand))


def _text_test(test: Callable[[str, str], bool], operand: Any, accessors: Accessors[T], at: str) -> Predicate[T]:
    if not isinstance(operand, dict) or not operand:
        raise _invalid(at, "must be an object of names and texts")
    pairs: list[tuple[Accessor[T], str]] = []
    for name, wanted in operand.items():
        text = text_of(wanted)
        if not isinstance(name, str) or not name or not text:
            raise _invalid(at + json.pointer((str(name),)), "must be a name with a text that is not empty")
        pairs.append((accessors(name), text))

    def holds(subject: T) -> bool:
        for find, text in pairs:
            value = text_of(find(subject))
            if value is None or not test(value, text):
                return False
        return True

    return holds


def text_of(value: Any) -> str | None:
    """The text by which a value is compared; None where it matches nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    # Fractions have more than one writing (35.10, 35.1), so that a comparison of texts would surprise.
    return str(value) if isinstance(value, int) else None


def _invalid(at: str, detail: str) -> FilterInvalid:
    return FilterInvalid("The filter cannot be understood.", errors=[FieldError(at, detail)])
