"""YAML and JSON texts as JSON values, with bounds on size, depth and what aliases expand to, and one reading of each."""

import json as standard_json
import math
import re
from typing import Any

import yaml

from bus import json
from bus.contracts.errors import DocumentInvalid
from bus.texts import UNSEEN, escape_unseen_in_lines

_LARGEST = 1024 * 1024
_DEEPEST = 64
_MOST_NODES = 200_000
_LONGEST_NAME = 64
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_NUMBER = re.compile(
    r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|nan)", re.IGNORECASE
)
"""A number that YAML 1.1 and YAML 1.2 read alike."""
_LONGEST_NUMBER = 400
"""Characters: a double has no more digits before its point. Reading a number takes time with the square of its length."""


class _Loader(yaml.CSafeLoader):
    """PyYAML's safe loader that leaves dates as the texts that JSON has for them."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _number(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> Any:
    """A number; not one to the base of sixty (1:30), of eight (017) or of two, which are other numbers in YAML 1.2."""
    text = node.value
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        line = node.start_mark.line + 1
        raise DocumentInvalid(
            f"At line {line} stands what readers of YAML take for different numbers; put it in quotes."
        )
    if text.lstrip("+-").isdecimal():
        return loader.construct_yaml_int(node)
    return loader.construct_yaml_float(node)


for _tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
    _Loader.add_constructor(_tag, _number)


def read_yaml(text: bytes) -> Any:
    """The JSON value that a YAML text (JSON is YAML) stands for.

    Raises:
        DocumentInvalid: not YAML, not expressible in JSON, the same key twice, or too large, too deep, or too much once aliases
            are expanded.
    """
    if len(text) > _LARGEST:
        raise DocumentInvalid(f"The document is larger than {_LARGEST} bytes.")
    value, is_json = _read(text)
    _check_expanded(value)
    if is_json:
        # Only now, as it recurses. The fast reader keeps the last of two members with one name, others the first.
        standard_json.loads(text, object_pairs_hook=_check_keys)
    try:
        return json.loads(json.dumps(value))
    except TypeError as error:
        raise DocumentInvalid("The document holds what JSON cannot express.") from error


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper, without aliases, and unequivocal: YAML 1.2 takes more texts for numbers than 1.1, which it knows."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    quoted = text[:1] in "0123456789+-." or UNSEEN.search(text.replace("\n", "")) is not None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, '"' if quoted else None)


_Dumper.add_representer(str, _text)


def write_yaml(value: Any) -> bytes:
    """A JSON value as a YAML text, keys in their given order."""
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    # Characters that are not seen stand in quoted texts alone, where YAML knows these escapes.
    return escape_unseen_in_lines(text).encode()


def _read(text: bytes) -> tuple[Any, bool]:
    """The value, and whether the text is JSON."""
    if text.lstrip()[:1] == b"{":
        try:
            return json.loads(text), True
        except ValueError:
            # Braces begin YAML in flow style too.
            pass
    return _yaml(text), False


def _check_keys(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise _twice(name)
        seen.add(name)


def _twice(name: str) -> DocumentInvalid:
    return DocumentInvalid(f"The document has the key {name[:_LONGEST_NAME]!r} twice in one place.")


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
    """Bound depth before anything recurses into the text, and refuse the same key twice."""
    keys = _Keys()
    for count, event in enumerate(yaml.parse(text, _Loader)):
        if len(keys.open) > _DEEPEST or count > _MOST_NODES:
            raise DocumentInvalid(
                f"The document is nested deeper than {_DEEPEST} or has more than {_MOST_NODES} parts."
            )
        keys.see(event)


class _Keys:
    """Follows a text's events and knows which of them are keys.

    Attributes:
        open: the collections that are open, outermost first: of a mapping the keys so far, of a sequence None.
    """

    def __init__(self) -> None:
        self.open: list[set[str] | None] = []
        self._is_key: list[bool] = []

    def see(self, event: yaml.Event) -> None:
        """Take the next event.

        Raises:
            DocumentInvalid: a key that its mapping has already.
        """
        if isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
            self._is_key.pop()
        if isinstance(event, yaml.ScalarEvent) and self.open and self._is_key[-1]:
            self._take(event.value)
        if isinstance(event, yaml.AliasEvent) and self.open and self._is_key[-1]:
            raise DocumentInvalid("The document has an alias as a key.")
        if isinstance(event, yaml.NodeEvent) and self.open:
            self._is_key[-1] = self.open[-1] is not None and not self._is_key[-1]
        if isinstance(event, yaml.CollectionStartEvent):
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            self.open.append(set() if is_mapping else None)
            self._is_key.append(is_mapping)

    def _take(self, name: str) -> None:
        keys = self.open[-1]
        if keys is not None and name in keys:
            raise _twice(name)
        if keys is not None:
            keys.add(name)


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
        if isinstance(part, float) and not math.isfinite(part):
            raise DocumentInvalid("The document holds a number that JSON cannot express.")
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        waiting.extend((one, depth + 1) for one in inner)
