"""Reports as PDF on A4 across. A job for a worker process: a page of rows takes a tenth of a second."""

from typing import Final

from fpdf import FPDF

from bus.reports.report import Report, unpack_report
from bus.texts import escape_unseen

_FONT: Final = "Helvetica"
"""A font that every reader has, so that the file embeds none. It has the letters of Latin-1."""
_TITLE, _TEXT, _CELL = 14, 9, 7.5
_LINE: Final = 4
_ENCODING: Final = "latin-1"
_PLAIN: Final = str.maketrans({"•": "*", "–": "-", "—": "-", "…": "...", "“": '"', "”": '"', "‘": "'", "’": "'"})
"""Signs that Latin-1 lacks, with the signs that stand for them."""


class _Paper(FPDF):
    """Pages with their numbers."""

    def footer(self) -> None:
        """Write the page's number at its foot."""
        self.set_y(-12)
        self.set_font(_FONT, size=_CELL)
        self.cell(0, 8, f"{self.page_no()} / {{nb}}", align="R")


def write_pdf(packed: bytes) -> bytes:
    """The PDF file of a report that `Report.pack` packed."""
    report = unpack_report(packed)
    paper = _Paper(orientation="L", format="A4")
    paper.set_title(report.title)
    paper.set_lang("id")
    paper.add_page()
    paper.set_font(_FONT, style="B", size=_TITLE)
    _write_line(paper, report.title, 8)
    paper.set_font(_FONT, size=_TEXT)
    for label, text in report.facts:
        _write_line(paper, f"{label}: {text}", 5)
    paper.ln(2)
    if report.rows:
        _write_table(paper, report)
    if report.remark:
        paper.set_font(_FONT, size=_TEXT)
        paper.ln(2)
        _write_line(paper, report.remark, 5)
    return bytes(paper.output())


def _write_line(paper: FPDF, text: str, height: int) -> None:
    paper.multi_cell(0, height, _make_writable(text), new_x="LMARGIN", new_y="NEXT")


def _write_table(paper: FPDF, report: Report) -> None:
    paper.set_font(_FONT, size=_CELL)
    widths = tuple(column.weight for column in report.columns)
    with paper.table(col_widths=widths, text_align="LEFT", line_height=_LINE) as table:
        for cells in ([column.name for column in report.columns], *report.rows):
            row = table.row()
            for cell in cells:
                row.cell(_make_writable(cell))


def _make_writable(text: str) -> str:
    """The text with an escape for each character that nobody sees, or that the font lacks."""
    return escape_unseen(text).translate(_PLAIN).encode(_ENCODING, "backslashreplace").decode(_ENCODING)
