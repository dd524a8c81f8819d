"""Data as CSV (RFC 4180) for spreadsheets: declared fields become columns. No program runs a cell as a formula."""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any, Final

from bus import json
from bus.cells import make_harmless
from bus.heavy import Steps
from bus.http.columns import Path, name_columns, read_cell
from bus.http.scan import Page

_EXCEL_CHANGES: Final = re.compile(
    r"(?=.*[0-9])[0-9A-Za-z .,:/()+\-%$€£¥]{1,255}|true|false|benar|salah", re.IGNORECASE
)
"""Texts that Excel may take for a number, a date or a truth value. The letters are safe within a formula's quotes."""
_LONG_NUMBER: Final = re.compile(r"(?=.{256})[0-9 .,eE+\-]+", re.DOTALL)
"""Texts that Excel may take for a number, and that are too long for one text within a formula."""
_MOST_DIGITS: Final = 10**15
"""Excel keeps 15 digits of a number."""
_LONGEST_CELL: Final = 32_767
"""UTF-16 units in one of Excel's cells. It moves or drops the rest of a longer one."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""Excel takes a file for UTF-8 only if it begins so."""
_ROWS: Final = 50
"""Records that become rows in one step. A schema may have thousands of columns."""


class SheetWriter:
    """Writes a snapshot as rows, the first of which names the columns. A deletion is no row."""

    media_type = "text/csv"
    extension = "csv"
    writes_deletions = False

    def __init__(self, columns: Sequence[Path], *, for_excel: bool = False) -> None:
        """`for_excel`: the file begins as Excel needs it, and Excel leaves every text as it is."""
        self._columns = columns
        self._start = _BYTE_ORDER_MARK if for_excel else b""
        self._write_text = _keep_text if for_excel else make_harmless
        self._write_number = _keep_number if for_excel else _pass

    def begin(self) -> bytes:
        """The row of names."""
        return self._start + self._csv([name_columns(self._columns)])

    def write(self, page: Page) -> Steps[bytes]:
        """The page's rows."""
        rows: list[bytes] = []
        texts = list(page.texts)
        for start in range(0, len(texts), _ROWS):
            yield
            data = (json.loads(text).get("data") for text in texts[start : start + _ROWS])
            rows.append(self.rows(one for one in data if one is not None))
        return b"".join(rows)

    def end(self, following: str) -> Steps[bytes]:
        """Nothing."""
        yield
        return b""

    def rows(self, data: Iterable[Any]) -> bytes:
        """One row for each value of the data."""
        return self._csv([read_cell(one, path) for path in self._columns] for one in data)

    def _csv(self, rows: Iterable[Iterable[Any]]) -> bytes:
        text = StringIO()
        # Only texts are quoted. A reader that tells them from numbers keeps the zeros and the last digits of a NIK.
        writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerows([self._write_cell(value) for value in row] for row in rows)
        return text.getvalue().encode()

    def _write_cell(self, value: Any) -> str | int | float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._write_number(value)
        if isinstance(value, str):
            return self._write_text(value)
        # A truth value stays one.
        write = make_harmless if isinstance(value, bool) else self._write_text
        return "" if value is None else write(json.dumps(value).decode())


def _keep_text(text: str) -> str:
    """The text so that Excel shows it unchanged. If Excel would change the text itself, a formula that gives the text."""
    if _EXCEL_CHANGES.fullmatch(text):
        return f'="{text}"'
    # An apostrophe, since no formula may hold so long a text.
    return _cut(f"'{text}" if _LONG_NUMBER.fullmatch(text) else make_harmless(text))


def _keep_number(value: int | float) -> str | int | float:
    """A number, or a formula that is the text of its digits if Excel would round an integer."""
    is_kept = isinstance(value, float) or abs(value) < _MOST_DIGITS
    return value if is_kept else f'="{value}"'


def _pass(value: int | float) -> int | float:
    return value


def _cut(text: str) -> str:
    """The text as one of Excel's cells can hold it. An ellipsis tells that it was cut."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _LONGEST_CELL:
        return text
    return units[: 2 * (_LONGEST_CELL - 1)].decode("utf-16-le", errors="ignore") + "…"
