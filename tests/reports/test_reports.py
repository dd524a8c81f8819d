"""Reports: every row is in the file, nothing in a cell runs, and no character is lost unseen."""

import csv
import re
import zlib
from io import StringIO

from bus.reports import BEGINNING, Column, Report, write_pdf, write_rows


def a_report(*rows: list[str]) -> Report:
    return Report("Pengungkapan data", [("Oleh", "siti")], [Column("Waktu", 3), Column("Penerima")], rows, "Selesai.")


def texts_in(pdf: bytes) -> str:
    """The texts that a PDF shows, in its order. fpdf2 writes a text as a string in parentheses."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    shown = b""
    for stream in streams:
        try:
            shown += zlib.decompress(stream)
        except zlib.error:
            continue
    return " ".join(text.decode("latin-1") for text in re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", shown))


def test_a_pdf_has_the_title_the_facts_and_every_row():
    pdf = write_pdf(a_report(*([f"baris{number}", "bapenda"] for number in range(120))).pack())
    assert pdf.startswith(b"%PDF-")
    shown = texts_in(pdf)
    assert shown.startswith("Pengungkapan data Oleh: siti Waktu Penerima")
    assert {int(one) for one in re.findall(r"baris(\d+)", shown)} == set(range(120))
    assert "Selesai." in shown


def test_a_pdf_shows_what_its_font_lacks_as_an_escape():
    shown = texts_in(write_pdf(a_report(["Ā\u202ekabur", "é • – …"]).pack()))
    assert "kabur" in shown
    assert r"\\u202e" in shown
    assert r"\\u0100" in shown
    assert "é * - ..." in shown


def test_a_report_without_rows_is_a_file_too():
    assert "Selesai." in texts_in(write_pdf(a_report().pack()))


def test_no_cell_of_a_sheet_is_a_formula():
    text = write_rows([["=1+1", "@x", "biasa"], ['"a"', "b,c", "d\ne"]])
    rows = list(csv.reader(StringIO(text.decode(), newline="")))
    assert rows[0] == ["'=1+1", "'@x", "biasa"]
    assert rows[1][:2] == ['"a"', "b,c"]
    assert BEGINNING.decode("utf-8-sig") == ""
