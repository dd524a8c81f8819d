"""Schemas as nodes: schemas that demand the same in the same words are one node, also from different documents."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from bus import json
from bus.contracts.compatibility.budget import Budget, Undecided
from bus.contracts.schemas import LISTS, MAPS, ONES

# Definitions and `contentSchema` demand nothing of a value.
_MAPS = MAPS - {"$defs", "definitions"}
_ONES = ONES - {"contentSchema"}
_PLAIN = frozenset(
    {
        "$ref",
        "type",
        "enum",
        "const",
        "multipleOf",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minContains",
        "maxContains",
        "minProperties",
        "maxProperties",
        "required",
        "dependentRequired",
    }
)
KEYWORDS = _MAPS | LISTS | _ONES | _PLAIN
"""The keywords that decide whether a value is valid. All others are for people."""

_DEEPEST = 200


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A schema with the document that its references lead into. It equals only itself; `Library` makes it unique."""

    schema: Any
    root: Any


class Library:
    """The nodes of all schemas in a comparison, each once."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._nodes: dict[tuple[bytes, tuple[tuple[str, bytes], ...]], Node] = {}
        self._seen: dict[tuple[int, int], Node] = {}
        self._texts: dict[int, tuple[Any, bytes, frozenset[str]]] = {}

    def node(self, schema: Any, root: Any) -> Node:
        """The node of a schema in its document."""
        at = (id(schema), id(root))
        if not isinstance(schema, bool) and at in self._seen:
            return self._seen[at]
        text, references = self._write_demands(schema)
        key = (text, self._collect_targets(references, root))
        node = self._nodes.setdefault(key, Node(schema, root))
        if not isinstance(schema, bool):
            self._seen[at] = node
        return node

    def _write_demands(self, schema: Any) -> tuple[bytes, frozenset[str]]:
        """The schema's demands as bytes, and its references. The schema is kept, so that no other object gets its id."""
        if isinstance(schema, bool):
            return json.dumps(schema), frozenset()
        known = self._texts.get(id(schema))
        if known is None:
            references: set[str] = set()
            text = json.dump_canonical(_keep_demands(schema, references, 0))
            self._budget.spend(1 + len(text) // 256)
            known = self._texts[id(schema)] = (schema, text, frozenset(references))
        return known[1], known[2]

    def _collect_targets(self, references: frozenset[str], root: Any) -> tuple[tuple[str, bytes], ...]:
        """All that the references lead to. It tells equal words with different targets apart."""
        found: dict[str, bytes] = {}
        waiting = list(references)
        while waiting:
            reference = waiting.pop()
            if reference not in found:
                self._budget.spend()
                text, further = self._write_demands(target(reference, root))
                found[reference] = text
                waiting.extend(further)
        return tuple(sorted(found.items()))


def target(reference: str, root: Any) -> Any:
    """The schema that a `$ref` leads to.

    Raises:
        Undecided: the `$ref` leads nowhere.
    """
    found = json.find(root, unquote(reference.removeprefix("#"))) if reference.startswith("#") else None
    if not isinstance(found, dict | bool):
        raise Undecided("a reference leads to no schema")
    return found


def _keep_demands(schema: Any, references: set[str], depth: int) -> Any:
    """The schema without keywords for people."""
    if not isinstance(schema, dict):
        return schema
    if depth > _DEEPEST:
        raise Undecided("the schema is nested too deeply")
    written: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _ONES:
            written[keyword] = _keep_demands(value, references, depth + 1)
        elif keyword in LISTS:
            written[keyword] = [_keep_demands(inner, references, depth + 1) for inner in value]
        elif keyword in _MAPS:
            written[keyword] = {name: _keep_demands(inner, references, depth + 1) for name, inner in value.items()}
        elif keyword in _PLAIN:
            written[keyword] = sorted(value) if keyword == "required" else value
    if "$ref" in written:
        references.add(written["$ref"])
    return written
