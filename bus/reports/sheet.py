"""Rows as CSV (RFC 4180) for spreadsheets. No program runs a cell as a formula."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from bus.cells import make_harmless

BEGINNING: Final = b"\xef\xbb\xbf"
"""Begins a file: Excel takes it for UTF-8 only then."""


def write_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """The rows as lines of CSV."""
    text = StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([make_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
