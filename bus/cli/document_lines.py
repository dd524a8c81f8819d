"""Lines of documents: where in a file the value of a JSON Pointer stands."""

from functools import lru_cache
from pathlib import Path

import yaml

from bus import json


def find_line(path: Path, pointer: str) -> int:
    """The line of a pointer's value in a file, from 1. For an absent value, the line of its nearest parent."""
    node, line = (_compose(path) if pointer else None), 1
    for step in json.parse_pointer(pointer):
        found = _find_below(node, step)
        if found is None:
            break
        at, node = found
        line = at.start_mark.line + 1
    return line


@lru_cache(maxsize=1)
def _compose(path: Path) -> yaml.Node | None:
    """A document as YAML nodes, which know their lines; None for JSON that YAML cannot read."""
    try:
        node: yaml.Node | None = yaml.compose(path.read_bytes(), yaml.CSafeLoader)
    except yaml.YAMLError:
        return None
    return node


def _find_below(node: yaml.Node | None, step: str) -> tuple[yaml.Node, yaml.Node] | None:
    """The first node of a mapping's member or a sequence's item, and the node of its value."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        return node.value[int(step)], node.value[int(step)]
    return None
