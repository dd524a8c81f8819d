"""The effort of checking data against a schema, estimated before the check: whether the event loop can bear it."""

from typing import Any, Final

from bus.contracts.expressions import Anchor, Chars, Choice, Expression, Repeat, Sequence, Undecided, parse
from bus.contracts.schemas import Schema
from bus.contracts.weight import work_by_depth

_BEARABLE: Final = 60_000
"""Units of effort that the event loop bears for one event: some milliseconds."""
_TEXT: Final = 4
"""Bytes of text that cost one unit, for each unit of the schema's work."""
_STATES: Final = 20
"""States of a regular expression that cost a unit."""
_ENTRIES: Final = 8
"""Entries of `enum`, `properties` or `required` that cost a unit."""
_BEYOND_ASCII: Final = 10
"""States of a character class that reaches beyond ASCII: the engine reads UTF-8."""
_ASCII: Final = 0x7F
_UNKNOWN: Final = 10
"""States that count for each character of a pattern that cannot be parsed."""
_MOST_STATES: Final = 10**9


def estimate_work(schema: Any) -> int:
    """The units of work that the schema asks for, for the values down one path of the data."""
    return work_by_depth(schema, _weigh_own)[-1]


def is_bearable(work: int, body: bytes) -> bool:
    """Whether the event loop can check data against a schema.

    Args:
        work: the schema's work; see `estimate_work`.
        body: a JSON text that holds the data.
    """
    if work * len(body) <= _BEARABLE:
        return True
    values = body.count(b",") + body.count(b"[") + body.count(b"{") + 1
    return work * (values + len(body) // _TEXT) <= _BEARABLE


def count_states(pattern: str) -> int:
    """About how many states the engine's automaton of a pattern has. The automaton writes counted repetitions out."""
    try:
        return min(_count_tree_states(parse(pattern)), _MOST_STATES)
    except Undecided:
        return _UNKNOWN * len(pattern)


def _weigh_own(schema: Schema) -> int:
    patterns = [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
    patterns += schema.get("patternProperties", {})
    entries = sum(len(schema.get(keyword, ())) for keyword in ("enum", "properties", "required"))
    return 1 + entries // _ENTRIES + sum(map(count_states, patterns)) // _STATES


def _count_tree_states(expression: Expression) -> int:
    match expression:
        case Anchor():
            return 1
        case Chars(ranges):
            last = ranges[-1][1] if ranges else 0
            return len(ranges) + 1 if last <= _ASCII else _BEYOND_ASCII + len(ranges)
        case Sequence(parts):
            return sum(map(_count_tree_states, parts))
        case Choice(options):
            return 1 + sum(map(_count_tree_states, options))
        case Repeat(what, least, most):
            return 1 + _count_tree_states(what) * max(1, least if most is None else most)
