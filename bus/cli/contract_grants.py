"""What contract versions newly grant: shows it, and asks who approves whether they saw it."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from bus.cli.terminal import show
from bus.contracts import Granted

GrantsSeen = Annotated[
    bool,
    typer.Option(
        "--grants-seen", help="you read what is newly granted; absent: the command asks, if somebody is there"
    ),
]


def print_granted(granted: Iterable[Granted]) -> None:
    """Print what will be shown, to whom, why and until when."""
    for number, one in enumerate(granted):
        if not number:
            show("  will be shown, to whom:", style="bold")
        why = f", for {one.purpose}" if one.purpose else ""
        basis = f" ({one.legal_basis})" if one.legal_basis else ""
        show(f"    {one.participant}{why}{basis}, until {one.until or 'it is taken away'}")
        for each in one.additions:
            show("      + ", (each.added.value, "yellow"), f": {f'{each.pointer} ' if each.pointer else ''}{each.text}")


def confirm_seen() -> bool:
    """Ask the person at the terminal whether they read what was printed. False: they say no, or nobody is there."""
    return sys.stdin.isatty() and typer.confirm("Did you read it, and shall they get it?", err=True)
