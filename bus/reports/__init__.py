"""Reports: tables for people who take them along, as CSV for spreadsheets and as PDF for files and printers.

What the room offers: `Report` is a table with a title and facts about it. `write_pdf` is a job for a worker process. `write_rows`
writes rows as CSV.
"""

from bus.reports.pdf import write_pdf
from bus.reports.report import Column, Report
from bus.reports.sheet import BEGINNING, write_rows

__all__ = ["BEGINNING", "Column", "Report", "write_pdf", "write_rows"]
