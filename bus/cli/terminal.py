"""Prints for commands. Control characters in documents, answers and the database never reach the terminal."""

from typing import Any

import typer

from bus import json
from bus.texts import visible, visible_json, visible_lines


def say(text: str, *, err: bool = False) -> None:
    """Print one line."""
    typer.echo(visible(text), err=err)


def say_row(cells: list[str]) -> None:
    """Print one line with a tab between its cells."""
    typer.echo("\t".join(map(visible, cells)))


def say_lines(text: str) -> None:
    """Print a text of several lines."""
    typer.echo(visible_lines(text))


def say_json(value: Any) -> None:
    """Print a value as JSON on one line."""
    typer.echo(visible_json(json.dumps(value)))


def show(*parts: str | tuple[str, str], style: str = "") -> None:
    """Print one line in colours.

    Args:
        parts: texts, or texts with a style.
        style: the style of the whole line.
    """
    # Imported here: most commands print no colours, and this import takes longer than their work.
    from rich.console import Console
    from rich.text import Text

    told = [visible(part) if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts]
    Console(soft_wrap=True, highlight=False).print(Text.assemble(*told, style=style))
