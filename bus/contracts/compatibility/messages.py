"""The messages of findings for people: which demand is broken, and by whose data."""

from collections.abc import Callable
from typing import Any

from bus import json
from bus.contracts.compatibility.answers import Unknown
from bus.contracts.compatibility.comparison import Break
from bus.contracts.compatibility.report import Rule, Side

_MOST_VALUES = 8

_DEMANDS: dict[Rule, Callable[[Any, str], str]] = {
    Rule.TYPE: lambda types, _: f"takes only the type {_list_types(types)}",
    Rule.VALUES: lambda values, _: f"takes only {_list_values(values)}",
    Rule.MINIMUM: lambda limit, _: f"takes no number below {limit}",
    Rule.MAXIMUM: lambda limit, _: f"takes no number above {limit}",
    Rule.MULTIPLE_OF: lambda step, _: f"takes only multiples of {step}",
    Rule.MIN_LENGTH: lambda limit, _: f"takes only texts of at least {limit} characters",
    Rule.MAX_LENGTH: lambda limit, _: f"takes only texts of at most {limit} characters",
    Rule.PATTERN: lambda pattern, _: f"takes only texts that match {pattern}",
    Rule.FORMAT: lambda name, _: f"takes only texts in the format {name}",
    Rule.REQUIRED: lambda _, name: f"requires the property {name}",
    Rule.CLOSED: lambda _, name: f"has no property {name}" if name else "takes no properties but those it names",
    Rule.OPEN_MODEL: lambda _, name: f"says what the property {name} must be, where anything was allowed before",
    Rule.UNEVALUATED_PROPERTIES: lambda _, __: "limits the properties that no branch names",
    Rule.PROPERTY_NAMES: lambda _, __: "limits the names of properties",
    Rule.MIN_PROPERTIES: lambda limit, _: f"takes only objects with at least {limit} properties",
    Rule.MAX_PROPERTIES: lambda limit, _: f"takes only objects with at most {limit} properties",
    Rule.DEPENDENT_REQUIRED: lambda _, names: f"requires {names} beside another property",
    Rule.MIN_ITEMS: lambda limit, _: f"takes only lists of at least {limit} items",
    Rule.MAX_ITEMS: lambda limit, _: f"takes only lists of at most {limit} items",
    Rule.UNIQUE_ITEMS: lambda _, __: "takes no list that holds an item twice",
    Rule.CONTAINS: lambda _, __: "limits how many items of a certain form a list holds",
    Rule.UNEVALUATED_ITEMS: lambda _, __: "limits the items that no branch describes",
    Rule.ANY_OF: lambda _, __: "takes only certain forms",
    Rule.ONE_OF: lambda _, __: "takes only what has exactly one of certain forms",
    Rule.NOT: lambda _, __: "excludes a form",
    Rule.CONDITION: lambda _, __: "demands more under a condition",
    Rule.EXCLUDED: lambda _, __: "takes nothing",
    Rule.SCHEMA: lambda _, __: "demands more",
}


def message(broken: Break, side: Side, version: str, reason: str = "") -> str:
    """The finding in a sentence or two.

    Args:
        version: the old version.
        reason: why the finding is uncertain; empty: it is certain.
    """
    demand = _DEMANDS[broken.rule](broken.demand, broken.about)
    place = f"At {json.to_pointer(broken.field)}, " if broken.field else ""
    if side is Side.NEW_REFUSES_OLD:
        strict, lenient = "the new version", f"data of version {version}"
    else:
        strict, lenient = f"version {version}", "data of the new version"
    sentence = f"{place}{strict} {demand}; {lenient} may be otherwise."
    sentence = sentence[0].upper() + sentence[1:]
    if broken.rule is Rule.OPEN_MODEL:
        sentence += ' A schema with "additionalProperties": false leaves room for new properties.'
    if not reason and isinstance(broken.answer, Unknown):
        reason = broken.answer.reason
    return f"{sentence} This is not certain: {reason}." if reason else sentence


def _list_types(types: Any) -> str:
    return " or ".join(types) if isinstance(types, list) else str(types)


def _list_values(values: Any) -> str:
    shown = values if isinstance(values, list) else [values]
    text = ", ".join(json.dumps(value).decode() for value in shown[:_MOST_VALUES])
    return f"{text}, …" if len(shown) > _MOST_VALUES else text
