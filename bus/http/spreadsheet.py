"""Data as CSV (RFC 4180) for spreadsheets: declared fields flattened to columns, and no cell that a program would run."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any, Final

from bus import json
from bus.contracts.schemas import Schema, schemas_at

Path = tuple[str, ...]

_DEEPEST: Final = 8
"""Where a schema that contains itself is cut off: below it a cell holds JSON."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection"); full-width signs count in some locales."""


class Spreadsheet:
    """The columns of data under some schemas, and rows in them."""

    def __init__(self, schemas: Sequence[Schema], granted: Sequence[str]) -> None:
        """One column for each declared field that one of the granted pointers covers, or leads into, in their order."""
        tops = [json.path(pointer) for pointer in granted]
        leaves = dict.fromkeys(path for schema in schemas for path in _leaves(schema, ()))
        self._columns = list(dict.fromkeys(path for top in tops for path in leaves if _touch(path, top)))

    def header(self) -> bytes:
        """The row of names: the members' names joined by dots."""
        return _csv([[".".join(path) or "data" for path in self._columns]])

    def rows(self, data: Iterable[Any]) -> bytes:
        """One row for each."""
        return _csv([_at(one, path) for path in self._columns] for one in data)


def _leaves(schema: Schema, path: Path) -> Iterator[Path]:
    declared = [one for one in schemas_at(schema, json.pointer(path)) if isinstance(one, dict)]
    names = dict.fromkeys(name for one in declared for name in one.get("properties", ()))
    if not names or len(path) == _DEEPEST:
        yield path
        return
    for name in names:
        yield from _leaves(schema, (*path, name))


def _touch(path: Path, granted: Path) -> bool:
    shorter = min(len(path), len(granted))
    return path[:shorter] == granted[:shorter]


def _at(data: Any, path: Path) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return json.dumps(value).decode()
