"""Forms of a copy's file: lines of JSON, and tables for spreadsheets (CSV) and for analysis (Parquet)."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from io import RawIOBase
from itertools import islice
from typing import Any, Final

from bus import json
from bus.cells import make_harmless
from bus.pull import tables
from bus.pull.errors import TargetInvalid
from bus.pull.store import Store

Form = Callable[[RawIOBase, Store], None]
"""Writes all records of a copy to a file."""
_Path = tuple[str, ...]
"""The names of the members that lead to a column's value."""

_DEEPEST: Final = 8
"""Levels of columns. Below, a cell holds JSON."""
_MOST_COLUMNS: Final = 2000
_ROWS: Final = 5000
"""Rows of a row group. A group is in memory until it is written."""
_FURTHEST: Final = 2**63


def find_form(ending: str) -> Form:
    """The form of files with an ending.

    Raises:
        TargetInvalid: there is no such form, or its library is missing.
    """
    form = _FORMS.get(ending.lower())
    if form is None:
        raise TargetInvalid(
            f"Name a folder, a file that ends with {', '.join(_FORMS)}, or a database as sqlite:///copy.db."
        )
    if form is _write_parquet and find_spec("pyarrow") is None:
        raise TargetInvalid("Parquet needs a library: pip install 'bus-lamongan[parquet]'")
    return form


def _write_lines(file: RawIOBase, store: Store) -> None:
    for _, event in store.read_events():
        file.write(event.encode() + b"\n")


class _Texts:
    """Takes texts for a file, as a CSV writer gives them."""

    def __init__(self, file: RawIOBase) -> None:
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode())


def _write_sheet(file: RawIOBase, store: Store) -> None:
    columns = _find_columns(store)
    # Only texts are quoted. A reader that tells them from numbers keeps the zeros and the last digits of a NIK.
    writer = csv.writer(_Texts(file), quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([tables.KEY, *(make_harmless(name) for name in _name_columns(columns))])
    for key, data in _read_rows(store):
        writer.writerow([make_harmless(key), *(_write_cell(_read_cell(data, path)) for path in columns)])


def _write_parquet(file: RawIOBase, store: Store) -> None:
    import pyarrow
    from pyarrow import parquet

    columns = _find_columns(store)
    kinds = [
        (name, pyarrow.type_for_alias(kind))
        for name, kind in zip(_name_columns(columns), columns.values(), strict=True)
    ]
    schema = pyarrow.schema([(tables.KEY, pyarrow.string()), *kinds])
    rows, count = _read_rows(store), 0
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while group := list(islice(rows, _ROWS)):
            values = [[_convert(_read_cell(data, path), kind) for _, data in group] for path, kind in columns.items()]
            cells = [[key for key, _ in group], *values]
            arrays = [pyarrow.array(one, field.type) for one, field in zip(cells, schema, strict=True)]
            writer.write_batch(pyarrow.RecordBatch.from_arrays(arrays, schema=schema))
            count += len(group)
        writer.add_key_value_metadata({"bus.next": store.state.cursor, "bus.count": str(count)})


_FORMS: Final[Mapping[str, Form]] = {
    ".ndjson": _write_lines,
    ".jsonl": _write_lines,
    ".csv": _write_sheet,
    ".parquet": _write_parquet,
}


def _read_rows(store: Store) -> Iterator[tuple[str, Any]]:
    for key, event in store.read_events():
        yield key, json.loads(event)["data"]


def _find_columns(store: Store) -> dict[_Path, str]:
    """The paths of all values, in the order of their first value. Each has the kind that all of its values fit.

    The bus gives a copy no schema, so the records themselves tell.
    """
    found: dict[_Path, str] = {}
    for _, data in _read_rows(store):
        for path, value in _list_leaves(data, ()):
            found[path] = _join_kinds(found.get(path, ""), _kind_of(value))
        if len(found) > _MOST_COLUMNS:
            raise TargetInvalid(f"The records have more than {_MOST_COLUMNS} different fields. Name an .ndjson file.")
    return {path: kind or "string" for path, kind in found.items()}


def _name_columns(paths: Iterable[_Path]) -> list[str]:
    """The members' names joined by dots. Columns that would share a name have JSON Pointers, as in the bus's own tables."""
    names = {path: ".".join(path) for path in paths}
    while shared := {name for name, count in Counter([tables.KEY, *names.values()]).items() if count > 1}:
        names = {path: json.to_pointer(path) if name in shared else name for path, name in names.items()}
    return list(names.values())


def _list_leaves(value: Any, path: _Path) -> Iterator[tuple[_Path, Any]]:
    if not isinstance(value, dict) or not value or len(path) == _DEEPEST:
        yield path or ("data",), value
        return
    for name, member in value.items():
        yield from _list_leaves(member, (*path, name))


def _kind_of(value: Any) -> str:
    """The kind of a value; empty: any kind holds it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64" if -_FURTHEST <= value < _FURTHEST else "string"
    return "double" if isinstance(value, float) else "string"


def _join_kinds(one: str, other: str) -> str:
    if one == other or not one or not other:
        return one or other
    return "double" if {one, other} == {"int64", "double"} else "string"


def _read_cell(data: Any, path: _Path) -> Any:
    """The value at a path. An object has columns of its own for its members."""
    if not isinstance(data, dict):
        return data if path == ("data",) else None
    value: Any = data
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return None if isinstance(value, dict) and value and len(path) < _DEEPEST else value


def _write_cell(value: Any) -> str | int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return make_harmless(tables.write_value(value) or "")


def _convert(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "double":
        return float(value)
    return value if kind in {"int64", "bool"} else tables.write_value(value)
