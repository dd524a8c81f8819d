"""`bus pull`: a copy of a contract's records on this machine, kept in step with the bus."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeElapsedColumn

from bus.cli.remote import CredentialsFile, Url
from bus.cli.terminal import say
from bus.pull import Pull, Source, open_target
from bus.remote import find_access, open_blocking_bus


def pull(
    contract: Annotated[str, typer.Argument(help="such as layanan.katalog", show_default=False)],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="TARGET",
            help="FILE.ndjson, FILE.csv, FILE.parquet, FOLDER, sqlite:///FILE or postgresql://…",
            show_default=False,
        ),
    ],
    follows: Annotated[
        bool, typer.Option("--follow/--once", help="go on until you stop it, or end when the copy is up to date")
    ] = False,
    verifies: Annotated[
        bool, typer.Option("--verify", help="then compare the copy with the bus, by digests of ranges of keys")
    ] = False,
    url: Url = None,
    credentials: CredentialsFile = None,
) -> None:
    """Copy the records of a contract, and bring the copy up to date whenever you call this again.

    The first pull reads all records, later ones what changed. You may stop it at any moment: the next pull goes on.

    Example: bus pull layanan.katalog --to sqlite:///katalog.db --verify
    """
    access = find_access(url, credentials)
    with open_target(to, contract) as target, open_blocking_bus(access) as bus, _show_progress() as shown:
        pulling = Pull(Source(bus, contract), target.store, shown, target.write)
        came = pulling.run()
        shown.tell(f"{contract}: {came} records came; the copy has {target.store.count()}.")
        if verifies:
            count = pulling.verify()
            target.check()
            shown.tell(f"{contract}: the copy is what the bus has ({count} records).")
        if follows:
            pulling.follow()


class _Shown:
    """Shows a pull: on a terminal with a bar, else line by line."""

    def __init__(self, bar: Progress | None) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def begin(self, count: int | None) -> None:
        """Begin a bar."""
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task("", total=count)

    def advance(self, count: int) -> None:
        """Move the bar."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, count)

    def tell(self, text: str) -> None:
        """Print a line on standard error, above the bar."""
        say(text, err=True)


@contextmanager
def _show_progress() -> Iterator[_Shown]:
    if not sys.stderr.isatty():
        yield _Shown(None)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Shown(bar)
