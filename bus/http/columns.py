"""Columns: the declared fields of data under some schemas, as the columns of a table."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from bus import json
from bus.contracts import Schema, find_schemas_at

Path = tuple[str, ...]
"""The names of the members that lead to a column's value."""

_DEEPEST: Final = 8
"""Levels of columns; a schema may contain itself. Below, a cell holds JSON."""
_MOST: Final = 2000
"""Columns that a schema may have from the second level on. A schema with ten members that are itself has 10^8 at the eighth."""


def list_columns(schemas: Sequence[Schema], granted: Sequence[str]) -> list[Path]:
    """One column for each declared field that a granted pointer covers or leads into, in their order."""
    tops = [json.parse_pointer(pointer) for pointer in granted]
    leaves = dict.fromkeys(path for schema in schemas for path in _list_leaves(schema, tops))
    return list(dict.fromkeys(path for top in tops for path in leaves if _touch(path, top)))


def name_columns(paths: Sequence[Path]) -> list[str]:
    """A name for each column: the members' names joined by dots. Columns that would share a name have JSON Pointers."""
    names = [".".join(path) or "data" for path in paths]
    # A pointer may be the name of another column; pointers themselves are all different.
    while shared := {name for name, count in Counter(names).items() if count > 1}:
        names = [json.to_pointer(path) if name in shared else name for path, name in zip(paths, names, strict=True)]
    return names


def read_cell(data: Any, path: Path) -> Any:
    """The value of a column in data; None: the data have no such value."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _list_leaves(schema: Schema, tops: Sequence[Path]) -> Sequence[Path]:
    """The declared fields under some granted paths, down to the deepest level that has few enough of them."""
    found = list(_leaves(schema, tops, (), 1))
    for level in range(2, _DEEPEST + 1):
        deeper = list(islice(_leaves(schema, tops, (), level), _MOST + 1))
        if len(deeper) > _MOST or deeper == found:
            break
        found = deeper
    return found


def _leaves(schema: Schema, tops: Sequence[Path], path: Path, deepest: int) -> Iterator[Path]:
    declared = [one for one in find_schemas_at(schema, json.to_pointer(path)) if isinstance(one, dict)]
    names = dict.fromkeys(name for one in declared for name in one.get("properties", ()))
    if not names or len(path) == deepest:
        yield path
        return
    for name in names:
        inner = (*path, name)
        if any(_touch(inner, top) for top in tops):
            yield from _leaves(schema, tops, inner, deepest)


def _touch(path: Path, granted: Path) -> bool:
    shorter = min(len(path), len(granted))
    return path[:shorter] == granted[:shorter]
