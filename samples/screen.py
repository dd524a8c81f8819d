"""The screen of the demo: a live line on a terminal, or lines for a log. Tables come once; addresses stay at the end."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from samples import report
from samples.watch import Picture

_PLAIN_SECONDS: Final = 10.0
_PATIENCE: Final = 60.0
"""Seconds after which the terminal shows the tables, though something is missing."""


class Screen(Protocol):
    """Shows one picture after another."""

    def show(self, picture: Picture) -> None:
        """Show a picture."""
        ...

    def end(self, picture: Picture) -> None:
        """Show the last picture."""
        ...


@contextmanager
def open_screen(console: Console, introduction: Sequence[str]) -> Iterator[Screen]:
    """The screen that fits the console.

    Args:
        introduction: addresses, and commands to copy.
    """
    if not console.is_terminal:
        report.show(console, introduction)
        yield _Log(console)
        return
    with Live(console=console, auto_refresh=False) as live:
        yield _Terminal(live, introduction)


class _Terminal:
    """Keeps the sum in the last line. The tables scroll away, and the introduction stands below them."""

    def __init__(self, live: Live, introduction: Sequence[str]) -> None:
        self._live = live
        self._introduction = introduction
        self._show_at = time.monotonic() + _PATIENCE
        self._is_whole = False

    def show(self, picture: Picture) -> None:
        """Renew the sum; show all the rest once, when everything arrived."""
        if not self._is_whole and (picture.is_complete or time.monotonic() >= self._show_at):
            self._show_whole(picture)
        self._live.update(Text(report.write_summary(picture)), refresh=True)

    def end(self, picture: Picture) -> None:
        """Show what was not shown yet."""
        if not self._is_whole:
            self._show_whole(picture)

    def _show_whole(self, picture: Picture) -> None:
        self._is_whole = True
        self._live.console.print(report.make_tables(picture, self._live.console.width))
        report.show(self._live.console, self._introduction)
        self._live.console.print()


class _Log:
    """Prints the sum now and then, and the tables as lines at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0

    def show(self, picture: Picture) -> None:
        """Print the sum, unless it was printed a moment ago."""
        if time.monotonic() >= self._next:
            self._console.print(report.write_summary(picture), highlight=False, soft_wrap=True)
            self._next = time.monotonic() + _PLAIN_SECONDS

    def end(self, picture: Picture) -> None:
        """Print everything."""
        report.show(self._console, report.write_lines(picture))
