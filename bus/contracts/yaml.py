"""Reads YAML and JSON texts as JSON values, each text in one way. Bounds size, depth and the expansion of aliases."""

import json as standard_json
import math
import re
from typing import Any

import yaml

from bus import json
from bus.contracts.errors import DocumentInvalid
from bus.contracts.numbers import NumberChanged, check_numbers
from bus.texts import UNSEEN, escape_unseen_in_lines

_LARGEST = 1024 * 1024
_DEEPEST = 64
_MOST_NODES = 200_000
_MOST_CHARACTERS = 4 * _LARGEST
"""Characters of all texts and keys, with aliases expanded."""
_LONGEST_NAME = 64
_MERGE = "tag:yaml.org,2002:merge"
_TAG = "tag:yaml.org,2002:"
_REPLACED = tuple(_TAG + name for name in ("timestamp", "value", "bool", "int", "float"))
"""Tags that YAML 1.1 gives to other texts than the core schema of YAML 1.2. JSON has no dates."""
_BOOLEAN = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_LIKE_NUMBER = re.compile(
    r"^[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|0o[0-7]+|0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|\.(?:inf|Inf|INF|nan|NaN|NAN))$"
)
"""What one reader of YAML takes for a number, in version 1.1 or 1.2."""
_NUMBER = re.compile(
    r"[-+]?(?:(?:0|[1-9][0-9]*)|(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?)|[-+]?\.(?:inf|nan)",
    re.IGNORECASE,
)
"""A number that YAML 1.1 and YAML 1.2 read alike."""
_LOST_ZERO = re.compile(r"\.[0-9]+0$")
_SMALLEST, _GREATEST = -(2**63), 2**64 - 1
_LONGEST_NUMBER = 400
"""Characters: a double has no more digits before its point. The time to read a number grows with the square of its length."""


class _Loader(yaml.CSafeLoader):
    """PyYAML's safe loader with the core schema of YAML 1.2: `no`, `on` and dates are texts."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(f"{_TAG}bool", _BOOLEAN, list("tTfF"))
_Loader.add_implicit_resolver(f"{_TAG}float", _LIKE_NUMBER, list("-+.0123456789"))


def _construct_number(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> Any:
    """The number of a node. Refuses what readers of YAML take differently (1:30, 017, 1e3), and what JSON writes otherwise."""
    text, line = node.value, node.start_mark.line + 1
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        raise DocumentInvalid(
            f"At line {line} stands what readers of YAML take for different numbers; put it in quotes."
        )
    if _LOST_ZERO.search(text):
        raise DocumentInvalid(
            f"At line {line} stands {text}, and a number does not keep its last zero;"
            f" put it in quotes, or write {text.rstrip('0').rstrip('.')}."
        )
    if not text.lstrip("+-").isdecimal():
        return loader.construct_yaml_float(node)
    number = loader.construct_yaml_int(node)
    if not _SMALLEST <= number <= _GREATEST:
        raise DocumentInvalid(f"At line {line} stands a whole number above 64 bits; put it in quotes.")
    return number


for _tag in (f"{_TAG}int", f"{_TAG}float"):
    _Loader.add_constructor(_tag, _construct_number)


def read_yaml(text: bytes) -> Any:
    """The JSON value of a YAML text; JSON is YAML too.

    Raises:
        DocumentInvalid: the text is not YAML, has a value that JSON cannot express, or has a key twice. Or the value is too
            large, also once aliases are expanded, or too deep.
    """
    if len(text) > _LARGEST:
        raise DocumentInvalid(f"The document is larger than {_LARGEST} bytes.")
    value, is_json = _read(text)
    _check_expanded(value)
    if is_json:
        # After the check of depth, since it recurses. Of two members with one name, some readers keep the last, some the first.
        standard_json.loads(text, object_pairs_hook=_check_keys)
    try:
        return json.loads(json.dumps(value))
    except TypeError as error:
        raise DocumentInvalid("The document holds what JSON cannot express.") from error


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper, without aliases. It quotes texts that YAML 1.2 would read as numbers: the library knows only 1.1."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    quoted = text[:1] in "0123456789+-." or UNSEEN.search(text.replace("\n", "")) is not None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, '"' if quoted else None)


_Dumper.add_representer(str, _represent_text)


def write_yaml(value: Any) -> bytes:
    """A JSON value as a YAML text, with keys in the given order."""
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    # Invisible characters occur only in quoted texts, where YAML knows these escapes.
    return escape_unseen_in_lines(text).encode()


def _read(text: bytes) -> tuple[Any, bool]:
    """The value, and whether the text is JSON."""
    if text.lstrip()[:1] == b"{":
        try:
            value = json.loads(text)
        except ValueError:
            # A brace may also begin YAML in flow style.
            pass
        else:
            _check_json_numbers(text)
            return value, True
    return _read_yaml_text(text), False


def _check_json_numbers(text: bytes) -> None:
    try:
        check_numbers(text)
    except NumberChanged as refusal:
        raise DocumentInvalid(
            "The document holds a number that JSON readers change, such as a whole number above 64 bits; put it in quotes.",
            errors=refusal.errors,
        ) from None


def _check_keys(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise _refuse_twice(name)
        seen.add(name)


def _refuse_twice(name: str) -> DocumentInvalid:
    return DocumentInvalid(f"The document has the key {name[:_LONGEST_NAME]!r} twice in one place.")


def _read_yaml_text(text: bytes) -> Any:
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
    """Refuse a text that is too deep, before anything recurses into it, and a key that appears twice."""
    keys = _Keys()
    for count, event in enumerate(yaml.parse(text, _Loader)):
        if len(keys.open) > _DEEPEST or count > _MOST_NODES:
            raise DocumentInvalid(
                f"The document is nested deeper than {_DEEPEST} or has more than {_MOST_NODES} parts."
            )
        keys.see(event)


class _Keys:
    """Follows the parser's events of a text and knows which of them are keys.

    Attributes:
        open: the open collections, outermost first: the keys so far for a mapping, None for a sequence.
    """

    def __init__(self) -> None:
        self.open: list[set[str] | None] = []
        self._is_key: list[bool] = []

    def see(self, event: yaml.Event) -> None:
        """Take the next event.

        Raises:
            DocumentInvalid: the mapping has the key already.
        """
        if isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
            self._is_key.pop()
        if isinstance(event, yaml.ScalarEvent) and self.open and self._is_key[-1]:
            # YAML 1.2 has no merges, and a few lines of merges of merges mean billions of members.
            if event.tag == _MERGE or (event.value == "<<" and event.implicit[0]):
                raise DocumentInvalid(
                    "The document merges with `<<`, which YAML 1.2 does not have; write the members out."
                )
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
            raise _refuse_twice(name)
        if keys is not None:
            keys.add(name)


def _check_expanded(value: Any) -> None:
    """Refuse a value that is too deep, or too large with its aliases expanded: ten aliases can mean billions."""
    waiting = [(value, 0)]
    count = characters = 0
    while waiting:
        part, depth = waiting.pop()
        count += 1
        characters += _count_characters(part)
        if characters > _MOST_CHARACTERS:
            raise DocumentInvalid(f"The document's aliases mean more than {_MOST_CHARACTERS} characters; use fewer.")
        if depth > _DEEPEST or count + len(waiting) > _MOST_NODES:
            raise DocumentInvalid(
                f"The document is nested deeper than {_DEEPEST} or means more than {_MOST_NODES} values."
            )
        if isinstance(part, float) and not math.isfinite(part):
            raise DocumentInvalid("The document holds a number that JSON cannot express.")
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        waiting.extend((one, depth + 1) for one in inner)


def _count_characters(part: Any) -> int:
    """The characters of a text, or of an object's keys."""
    if isinstance(part, str):
        return len(part)
    return sum(len(name) for name in part if isinstance(name, str)) if isinstance(part, dict) else 0
