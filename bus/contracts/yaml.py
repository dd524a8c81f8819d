"""YAML and JSON texts as JSON values, with bounds on size, depth and what aliases expand to."""

from typing import Any

import yaml

from bus import json
from bus.contracts.errors import DocumentInvalid

_LARGEST = 1024 * 1024
_DEEPEST = 64
_MOST_NODES = 200_000
_LINE_BREAKS = frozenset("\r\x85\u2028\u2029")
"""What YAML 1.1 takes for a line's end within a text, unless it is escaped, as it is between double quotes alone."""
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.CSafeLoader):
    """PyYAML's safe loader that leaves dates as the texts that JSON has for them."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def read_text(text: bytes) -> Any:
    """The JSON value that a YAML text (JSON is YAML) stands for.

    Raises:
        DocumentInvalid: not YAML, not expressible in JSON, or too large, too deep, or too much once aliases are expanded.
    """
    if len(text) > _LARGEST:
        raise DocumentInvalid(f"The document is larger than {_LARGEST} bytes.")
    try:
        value = json.loads(text) if text.lstrip()[:1] == b"{" else _yaml(text)
    except ValueError:
        # Braces begin YAML in flow style too.
        value = _yaml(text)
    _check_expanded(value)
    try:
        return json.loads(json.dumps(value))
    except TypeError as error:
        raise DocumentInvalid("The document holds what JSON cannot express.") from error


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper, without aliases, and unequivocal: YAML 1.2 takes more texts for numbers than 1.1, which it knows."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    quoted = text[:1] in "0123456789+-." or not _LINE_BREAKS.isdisjoint(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, '"' if quoted else None)


_Dumper.add_representer(str, _text)


def write_text(value: Any) -> bytes:
    """A JSON value as a YAML text, keys in their given order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120).encode()


def _yaml(text: bytes) -> Any:
    try:
        _check_events(text)
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise DocumentInvalid(f"The document is not YAML or JSON{where}.") from error
    except ValueError as error:
        raise DocumentInvalid("The document holds what JSON cannot express.") from error


def _check_events(text: bytes) -> None:
    """Bound depth before anything recurses into the text."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, _Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST or count > _MOST_NODES:
            raise DocumentInvalid(
                f"The document is nested deeper than {_DEEPEST} or has more than {_MOST_NODES} parts."
            )


def _check_expanded(value: Any) -> None:
    """Bound depth, and what aliases stand for: ten of them can mean billions of values ("billion laughs")."""
    waiting = [(value, 0)]
    count = 0
    while waiting:
        part, depth = waiting.pop()
        count += 1
        if depth > _DEEPEST or count + len(waiting) > _MOST_NODES:
            raise DocumentInvalid(
                f"The document is nested deeper than {_DEEPEST} or means more than {_MOST_NODES} values."
            )
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        waiting.extend((one, depth + 1) for one in inner)
