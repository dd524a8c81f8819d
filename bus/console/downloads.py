"""Downloads: what a page shows, as a file. A file of many rows comes bit by bit, and breaks off if the session ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final, Literal, TypeVar

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from bus.console.visit import NotSignedIn, Visit, still_signed_in
from bus.reports import BEGINNING, Report, write_pdf, write_rows

Form = Literal["csv", "pdf"]
ROWS_IN_PDF: Final = 500
"""Rows of a PDF file: to write it takes processor time. A CSV file has all rows."""
_CHUNK: Final = 500
T = TypeVar("T")


async def send_pdf(report: Report, visit: Visit, name: str) -> Response:
    """A report as a file. A worker process writes it."""
    file = await visit.rooms.heavy.run(write_pdf, report.pack(), who=visit.by.participant)
    return Response(file, headers=_headers(f"{name}.pdf"), media_type="application/pdf")


def send_csv(
    request: Request, read: Callable[[T | None, int], Sequence[T]], write: Callable[[T], Sequence[str]], name: str,
    columns: Iterable[str],
) -> Response:  # fmt: skip
    """All rows of a list as a file.

    Args:
        read: reads rows behind a row, at most so many.
        write: the cells of a row.
    """
    return StreamingResponse(
        _write_all(request, read, write, list(columns)), headers=_headers(f"{name}.csv"), media_type="text/csv"
    )


async def _write_all(
    request: Request, read: Callable[[T | None, int], Sequence[T]], write: Callable[[T], Sequence[str]], columns: list[str]
) -> AsyncIterator[bytes]:  # fmt: skip
    yield BEGINNING + write_rows([columns])
    last: T | None = None
    while True:
        if not await still_signed_in(request):
            # The file must not look whole.
            raise NotSignedIn("The session ended.")
        rows = await asyncio.to_thread(read, last, _CHUNK)
        yield await asyncio.to_thread(write_rows, [write(row) for row in rows])
        if len(rows) < _CHUNK:
            return
        last = rows[-1]


def _headers(name: str) -> dict[str, str]:
    return {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
