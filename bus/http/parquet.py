"""Parquet: a snapshot as a table with typed columns, written a row group at a time. Needs the extra `parquet`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import RawIOBase
from typing import Any, Final

from bus import json
from bus.contracts import ContractVersion, View, Visibility, find_certain
from bus.heavy import Steps
from bus.http.columns import Path, name_columns, read_cell
from bus.http.negotiation import NotAcceptable
from bus.http.scan import Page

_ROWS: Final = 20_000
"""Rows after which a row group ends. A group is in memory until it is written."""
_CELLS: Final = 2_000_000
"""Cells after which a row group ends. An empty cell takes room too, and a schema may have thousands of columns."""
_BYTES: Final = 16 * 1024 * 1024
"""Bytes of records after which a row group ends, however few they are."""
_FURTHEST: Final = 2**63 - 1
_STEP: Final = 200
"""Records that are read in one step."""


class ParquetMissing(NotAcceptable):
    """This bus writes no Parquet, since a library is missing; ask its operator, or take NDJSON."""

    slug = "parquet-missing"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        kind: the name of its type in Arrow. A text holds JSON if the value is no text.
    """

    path: Path
    kind: str


def type_columns(paths: Sequence[Path], versions: Sequence[ContractVersion], views: Sequence[View]) -> list[Column]:
    """The columns with their types. A column is a text unless all versions and views agree on another type.

    Args:
        versions: every version under which events were published: the snapshot may have events of each.
    """
    return [Column(path, _choose_kind(json.to_pointer(path), versions, views)) for path in paths]


class ParquetWriter:
    """Writes a snapshot as Parquet. A deletion is no row. The footer holds `bus.next` and `bus.count`."""

    media_type = "application/vnd.apache.parquet"
    extension = "parquet"
    writes_deletions = False

    def __init__(self, columns: Sequence[Column]) -> None:
        """Nothing is written yet.

        Raises:
            ParquetMissing: pyarrow is not installed.
        """
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            detail = "The operator installs it with: pip install 'bus-lamongan[parquet]'."
            raise ParquetMissing(detail, available=["application/x-ndjson", "text/csv"]) from None
        self._arrow = pyarrow
        self._columns = columns
        names = name_columns([column.path for column in columns])
        kinds = [(name, pyarrow.type_for_alias(column.kind)) for name, column in zip(names, columns, strict=True)]
        self._schema = pyarrow.schema(kinds)
        self._sink = _Sink()
        self._writer = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._waiting: list[Any] = []
        self._rows = self._size = self._count = 0

    def begin(self) -> bytes:
        """The file's first bytes."""
        return self._sink.take()

    def write(self, page: Page) -> Steps[bytes]:
        """The row groups that the page completes."""
        texts = list(page.texts)
        for start in range(0, len(texts), _STEP):
            yield
            data = [json.loads(text).get("data") for text in texts[start : start + _STEP]]
            self._add([one for one in data if one is not None])
        self._size += len(page.text)
        cells = self._rows * len(self._columns)
        if self._rows >= _ROWS or cells >= _CELLS or self._size >= _BYTES:
            self._write_group()
        return self._sink.take()

    def end(self, following: str) -> Steps[bytes]:
        """The last row group and the footer."""
        yield
        self._write_group()
        self._writer.add_key_value_metadata({"bus.next": following, "bus.count": str(self._count)})
        self._writer.close()
        return self._sink.take()

    def _add(self, rows: Sequence[Any]) -> None:
        if not rows:
            return
        arrays = [
            self._arrow.array([_convert(read_cell(row, column.path), column.kind) for row in rows], field.type)
            for column, field in zip(self._columns, self._schema, strict=True)
        ]
        self._waiting.append(self._arrow.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._rows += len(rows)
        self._count += len(rows)

    def _write_group(self) -> None:
        if self._waiting:
            table = self._arrow.Table.from_batches(self._waiting, self._schema)
            self._writer.write_table(table, row_group_size=max(self._rows, 1))
        self._waiting, self._rows, self._size = [], 0, 0


class _Sink(RawIOBase):
    """A file that hands on what is written to it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self._length += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._length

    def take(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _choose_kind(pointer: str, versions: Sequence[ContractVersion], views: Sequence[View]) -> str:
    if any(view.visibility(pointer) is Visibility.MASKED for view in views):
        return "string"
    kinds = set(_list_kinds(pointer, versions))
    return kinds.pop() if len(kinds) == 1 else "string"


def _list_kinds(pointer: str, versions: Sequence[ContractVersion]) -> Iterator[str]:
    for version in versions:
        certain = find_certain(version.contract.shown, pointer)
        if certain.type == "boolean":
            yield "bool"
        elif certain.type == "number":
            yield "double"
        elif certain.type == "integer" and _fits(certain.least) and _fits(certain.most):
            yield "int64"
        else:
            yield "string"


def _fits(bound: float | None) -> bool:
    return bound is not None and -_FURTHEST <= bound <= _FURTHEST


def _convert(value: Any, kind: str) -> Any:
    """The value of a cell. JSON writes 7 also as 7.0."""
    if value is None:
        return None
    if kind == "int64":
        return int(value)
    if kind == "double":
        return float(value)
    if kind == "bool" or isinstance(value, str):
        return value
    return json.dumps(value).decode()
