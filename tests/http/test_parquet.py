"""Parquet: what is in memory until a row group is written."""

from io import BytesIO

import pytest
from pyarrow import parquet

from bus.heavy import Steps
from bus.http.parquet import Column, ParquetWriter
from bus.http.scan import Page

pytestmark = pytest.mark.unit


def the_result(steps: Steps[bytes]) -> bytes:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return bytes(end.value)


def a_page(records: int) -> Page:
    text = b'{"data":{}}'
    lengths = [len(text)] * records
    return Page(b",".join([text] * records), lengths, range(records), records, is_last=False)


def test_rows_with_many_empty_cells_are_written_soon() -> None:
    writer = ParquetWriter([Column((f"kolom_{number}",), "string") for number in range(2000)])
    file = writer.begin() + b"".join(the_result(writer.write(a_page(1000))) for _ in range(2))
    file += the_result(writer.end("kursor"))
    found = parquet.ParquetFile(BytesIO(file)).metadata
    assert (found.num_rows, found.num_row_groups) == (2000, 2)
