"""Filters in the dialects of CloudEvents Subscriptions (exact, prefix, suffix, all, any, not), compiled to predicates.

A grant's rows filter the data. A subscription's filters filter the context attributes. Only the meaning of a name differs.
A filter judges in three values (Kleene's logic). A test that it cannot judge is unknown, and `not` of unknown is unknown. An
event is shown only if the whole filter is true.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

from bus import json
from bus.contracts.errors import FilterInvalid
from bus.problem import FieldError

T = TypeVar("T")
Predicate = Callable[[T], bool]
Judgement = Callable[[T], bool | None]
"""Says whether a test holds; None: unknown."""
Accessor = Callable[[T], Any]
Accessors = Callable[[str], Accessor[T]]
"""Gives the function that finds the value of a name."""
Test = Callable[[Any], bool | None]

_DEEPEST: Final = 16
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_TEXT_TESTS: Final[dict[str, Callable[[str, str], bool]]] = {"prefix": str.startswith, "suffix": str.endswith}
_DIALECTS: Final = frozenset({"exact", *_TEXT_TESTS})


def compile_filter(expression: Any, accessors: Accessors[T], at: str = "") -> Predicate[T]:
    """The predicate that a filter expression means. It holds if the expression is true, and not if it is unknown.

    Several names in one expression must all match. A test of a value that is absent, null or not a scalar is unknown. `exact`
    compares numbers by value. `prefix` and `suffix` compare integers as JSON writes them; for other numbers they are unknown.

    Args:
        expression: such as `{"prefix": {"type": "kependudukan."}}`.
        accessors: `read_data_field` or `read_attribute`.
        at: pointer of the expression in the request, for errors.

    Raises:
        FilterInvalid: with the pointer of what is wrong.
    """
    judge = _compile(expression, accessors, at, 0)
    return lambda subject: judge(subject) is True


def read_data_field(name: str) -> Accessor[Any]:
    """Finds a field of the data: a top-level property's name, or a JSON Pointer."""
    pointer = name if name.startswith("/") else json.to_pointer((name,))
    tokens = json.parse_pointer(pointer)
    if len(tokens) == 1:
        only = tokens[0]
        return lambda data: data.get(only) if isinstance(data, dict) else None
    return lambda data: json.find(data, pointer)


def read_attribute(name: str) -> Accessor[Mapping[str, Any]]:
    """Finds a context attribute of a CloudEvent in its JSON format."""
    return lambda document: document.get(name)


def to_text(value: Any) -> str | None:
    """The text by which `prefix` and `suffix` judge a value; None: they cannot judge it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    # A fraction can be written in several ways (35.10, 35.1), so a comparison of texts would mislead.
    return str(value) if isinstance(value, int) else None


def to_number(value: Any) -> Decimal | None:
    """The number by which `exact` judges a value; None: the value is no number."""
    return Decimal(repr(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def parse_number(text: str) -> Decimal | None:
    """The number that a filter's text is in JSON; None: the text is no number."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _compile(expression: Any, accessors: Accessors[T], at: str, depth: int) -> Judgement[T]:
    if depth > _DEEPEST:
        raise _make_refusal(at, f"is nested deeper than {_DEEPEST}")
    if not isinstance(expression, dict) or len(expression) != 1:
        raise _make_refusal(at, "must be an object with one member: exact, prefix, suffix, all, any or not")
    dialect, operand = next(iter(expression.items()))
    below = at + json.to_pointer((str(dialect),))
    if dialect in _DIALECTS:
        return _test_scalars(dialect, operand, accessors, below)
    if dialect == "not":
        return _negate(_compile(operand, accessors, below, depth + 1))
    if dialect == "all":
        return _join_all(_compile_parts(operand, accessors, below, depth))
    if dialect == "any":
        return _join_any(_compile_parts(operand, accessors, below, depth))
    raise _make_refusal(at, "knows the dialects exact, prefix, suffix, all, any and not")


def _negate(negated: Judgement[T]) -> Judgement[T]:
    def judge(subject: T) -> bool | None:
        judged = negated(subject)
        return None if judged is None else not judged

    return judge


def _join_all(parts: Sequence[Judgement[T]]) -> Judgement[T]:
    def judge(subject: T) -> bool | None:
        judged: bool | None = True
        for part in parts:
            found = part(subject)
            if found is False:
                return False
            if found is None:
                judged = None
        return judged

    return judge


def _join_any(parts: Sequence[Judgement[T]]) -> Judgement[T]:
    def judge(subject: T) -> bool | None:
        judged: bool | None = False
        for part in parts:
            found = part(subject)
            if found is True:
                return True
            if found is None:
                judged = None
        return judged

    return judge


def _compile_parts(operand: Any, accessors: Accessors[T], at: str, depth: int) -> tuple[Judgement[T], ...]:
    if not isinstance(operand, list) or not operand:
        raise _make_refusal(at, "must be a list with at least one filter")
    return tuple(_compile(part, accessors, f"{at}/{index}", depth + 1) for index, part in enumerate(operand))


def _test_scalars(dialect: str, operand: Any, accessors: Accessors[T], at: str) -> Judgement[T]:
    if not isinstance(operand, dict) or not operand:
        raise _make_refusal(at, "must be an object of names and texts")
    return _join_all([_test_named(dialect, name, wanted, accessors, at) for name, wanted in operand.items()])


def _test_named(dialect: str, name: Any, wanted: Any, accessors: Accessors[T], at: str) -> Judgement[T]:
    text = to_text(wanted)
    if not isinstance(name, str) or not name or not text:
        raise _make_refusal(at + json.to_pointer((str(name),)), "must be a name with a text that is not empty")
    find = accessors(name)
    test = _test_exact(text) if dialect == "exact" else _test_part(_TEXT_TESTS[dialect], text)
    return lambda subject: test(find(subject))


def _test_exact(wanted: str) -> Test:
    number = parse_number(wanted)

    def test(value: Any) -> bool | None:
        if isinstance(value, str):
            return value == wanted
        if isinstance(value, bool):
            return to_text(value) == wanted if wanted in ("true", "false") else None
        given = to_number(value)
        return None if given is None or number is None else given == number

    return test


def _test_part(compare: Callable[[str, str], bool], wanted: str) -> Test:
    def test(value: Any) -> bool | None:
        text = to_text(value)
        return None if text is None else compare(text, wanted)

    return test


def _make_refusal(at: str, detail: str) -> FilterInvalid:
    return FilterInvalid("The filter cannot be understood.", errors=[FieldError(at, detail)])
