"""The jobs of worker processes: evaluate expressions over inputs, and judge an answer. They see no secret.

Tasks and results are JSON. An expression's result is `{"value": …}`, `{}` if it finds nothing, or `{"error": code}`.
"""

import codecs
from collections.abc import Mapping
from typing import Any, Final

from bus import json
from bus.expressions.expression import MISSING, ExpressionFailed, compile_expression
from bus.expressions.reading import has_ambiguous_names, is_usable, read_json
from bus.expressions.xml import read_xml
from bus.kit import digest, fold

_BEGINNING: Final = 2048
_UNUSABLE: Final = object()
"""A value with a number or a text that no expression may see."""
_HIDDEN: Final = "\ufdd0"
"""Begins the text that stands for an entry that no expression may see. Unicode keeps this character out of texts."""


def evaluate(task: bytes, inputs: bytes) -> bytes:
    """Each expression's result for each input.

    Args:
        task: `expressions` by name, `variables` (their JSON as a text), `seconds` for each evaluation, `numbers`, and `explain`
            for messages.
        inputs: a list of values.
    """
    told = json.loads(task)
    values = read_json(inputs, told["numbers"])
    variables = _read_variables(told)
    usable = [value if is_usable(value) else _UNUSABLE for value in values]
    return json.dumps([_evaluate_all(told, value, variables) for value in usable])


def judge(task: bytes, body: bytes) -> bytes:
    """What an answer means: the first rule that fits, and the results of further expressions.

    Args:
        task: as for `evaluate`, with further members. `rules`: each has `status`, and may have `when`, `retry_after`, `quotes`.
            `status` and `headers`: of the answer. `fold`: whether keys are folded. `format`: json or xml. `rows`: the expression
            that gives a list. `signed`: names that a signature covers; a body with names that are ambiguous then counts as no
            JSON. None: it may have such names.
        body: the answer's body.

    Returns:
        `rule`: the index of the rule, with the results of its `retry_after` and `quotes`; `is_json`; `results`; and `rows`:
        for each entry `{"row": …}`, with its `digest` if members of it had to be left out.
    """
    told = json.loads(task)
    value, is_json = _read_body(told, body)
    hidden: list[Any] = []
    if value is not MISSING:
        value = value if is_usable(value) else _hide(value, hidden) if told["rows"] is not None else _UNUSABLE
    variables = {**_read_variables(told), "status": told["status"], "headers": told["headers"]}
    if not is_json:
        variables["text"] = body[:_BEGINNING].decode("utf-8", "replace")
    at = next((at for at, rule in enumerate(told["rules"]) if _fits(told, rule, value, variables)), None)
    rule = {} if at is None else told["rules"][at]
    beside = {
        name: _evaluate(told, rule[name], value, variables) for name in ("retry_after", "quotes") if rule.get(name)
    }
    answer: dict[str, Any] = {
        "rule": at,
        "is_json": is_json,
        **beside,
        "results": _evaluate_all(told, value, variables),
    }
    if told["rows"] is not None:
        answer["rows"] = _list_rows(told, value, variables, hidden)
    return json.dumps(answer)


def _read_variables(told: Mapping[str, Any]) -> dict[str, Any]:
    """The variables, without those that no expression may see."""
    found = read_json(told["variables"].encode(), told["numbers"])
    return {name: value for name, value in found.items() if is_usable(value)}


def _read_body(told: Mapping[str, Any], body: bytes) -> tuple[Any, bool]:
    text = body.removeprefix(codecs.BOM_UTF8)
    is_xml = told["format"] == "xml"
    if not is_xml and told["signed"] is not None and has_ambiguous_names(text, told["signed"]):
        return MISSING, False
    try:
        value = read_xml(body) if is_xml else read_json(text, told["numbers"])
    except ValueError:
        return MISSING, False
    return (fold(value) if told["fold"] else value), True


def _fits(told: Mapping[str, Any], rule: Mapping[str, Any], value: Any, variables: Mapping[str, Any]) -> bool:
    status = str(told["status"])
    if rule["status"] and not any(_covers(str(one), status) for one in rule["status"]):
        return False
    # A condition that fails does not fit: what an answer does not say, no rule may assume.
    return not rule.get("when") or _evaluate(told, rule["when"], value, variables).get("value") is True


def _covers(pattern: str, status: str) -> bool:
    return pattern == status or (pattern.endswith("xx") and pattern[0] == status[0])


def _hide(value: Any, hidden: list[Any]) -> Any:
    """The value, in which a text stands for each entry of a list that no expression may see; other such members are null.

    Args:
        hidden: gets the entries. The text of an entry ends with its index.
    """
    if is_usable(value):
        return value
    if isinstance(value, dict):
        return {name: _hide(item, hidden) for name, item in value.items() if is_usable(name)}
    if isinstance(value, list):
        return [entry if is_usable(entry) else _put_away(entry, hidden) for entry in value]
    return None


def _put_away(entry: Any, hidden: list[Any]) -> str:
    hidden.append(entry)
    return f"{_HIDDEN}{len(hidden) - 1}"


def _list_rows(
    told: Mapping[str, Any], value: Any, variables: Mapping[str, Any], hidden: list[Any]
) -> list[dict[str, Any]] | None:
    """The entries of the list; None if the answer has no list."""
    found = _evaluate(told, told["rows"], value, variables).get("value")
    if not isinstance(found, list):
        return None
    unreadable = {
        f"{_HIDDEN}{at}": {"digest": digest(entry), "row": _hide(entry, [])} for at, entry in enumerate(hidden)
    }
    return [unreadable[entry] if isinstance(entry, str) and entry in unreadable else {"row": entry} for entry in found]


def _evaluate_all(told: Mapping[str, Any], value: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _evaluate(told, text, value, variables) for name, text in told["expressions"].items()}


def _evaluate(told: Mapping[str, Any], text: str, value: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    try:
        if value is _UNUSABLE:
            raise ExpressionFailed("digits", "the data have a number of more than 15 digits: say `numbers: text`")
        found = compile_expression(text).evaluate(value, variables, told["seconds"])
        if found is not MISSING and not is_usable(found):
            raise ExpressionFailed("value", "the expression makes a text that UTF-8 does not have")
    except ExpressionFailed as failed:
        return {"error": failed.code, "message": failed.message} if told["explain"] else {"error": failed.code}
    return {} if found is MISSING else {"value": found}
