"""Data as CSV (RFC 4180) for spreadsheets: declared fields become columns. No program runs a cell as a formula."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any, Final

from bus import json
from bus.contracts import Schema, find_schemas_at
from bus.texts import UNSEEN

Path = tuple[str, ...]

_DEEPEST: Final = 8
"""Levels of columns; a schema may contain itself. Below, a cell holds JSON."""
_SIGNS: Final = r"[=+@\-\u2212\uff1d\uff0b\uff0d\uff20]"
_PASSED_OVER: Final = rf"(?:[\s\"'\u115f\u1160\u2800\u3164\uffa0]|{UNSEEN.pattern})*"
_FORMULA: Final = re.compile(rf"[\t\r\n]|{_PASSED_OVER}{_SIGNS}")
"""Beginnings of cells that a spreadsheet takes for a formula (OWASP, "CSV Injection"). Full-width signs count in some locales.
Programs first skip blanks, quotes and invisible characters."""
_INNER: Final = re.compile(rf"[;\t\r\n]{_PASSED_OVER}(?=[=@\uff1d\uff20]|{_SIGNS}[^\s\d])")
"""A formula inside a text: Excel in Indonesian separates cells by semicolons, and then ignores quotes."""


class Spreadsheet:
    """The columns of data under some schemas, and rows in them."""

    def __init__(self, schemas: Sequence[Schema], granted: Sequence[str]) -> None:
        """Make one column for each declared field that a granted pointer covers or leads into, in their order."""
        tops = [json.parse_pointer(pointer) for pointer in granted]
        leaves = dict.fromkeys(path for schema in schemas for path in _leaves(schema, ()))
        self._columns = list(dict.fromkeys(path for top in tops for path in leaves if _touch(path, top)))

    def header(self) -> bytes:
        """The row of names: the members' names joined by dots."""
        return _csv([[".".join(path) or "data" for path in self._columns]])

    def rows(self, data: Iterable[Any]) -> bytes:
        """One row for each value of the data."""
        return _csv([_at(one, path) for path in self._columns] for one in data)


def _leaves(schema: Schema, path: Path) -> Iterator[Path]:
    declared = [one for one in find_schemas_at(schema, json.to_pointer(path)) if isinstance(one, dict)]
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
    # Only texts are quoted. A reader that tells them from numbers keeps the zeros and the last digits of a NIK.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str | int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _harmless(value)
    return "" if value is None else _harmless(json.dumps(value).decode())


def _harmless(text: str) -> str:
    """The text with an apostrophe before each formula that a spreadsheet could find in it."""
    within = _INNER.sub(r"\g<0>'", text)
    return f"'{within}" if _FORMULA.match(text) else within
