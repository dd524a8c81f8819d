"""The command line: `bus …`."""

import sys
from collections.abc import Sequence
from importlib import metadata
from pkgutil import resolve_name
from typing import Annotated, Final

import typer

from bus.cli.terminal import say
from bus.problem import Refused

_COMMANDS: Final = {
    "init": "bus.cli.init:init",
    "serve": "bus.cli.serve:serve",
    "backup": "bus.cli.backup:backup",
    "restore": "bus.cli.backup:restore",
    "simulate": "bus.cli.simulate:simulate",
    "participant": "bus.cli.participant:participant",
    "client": "bus.cli.participant:client",
    "subscription": "bus.cli.subscription:subscription",
    "agency": "bus.cli.agency:agency",
    "contract": "bus.cli.contracts:contracts",
    "actions": "bus.cli.actions:list_actions",
    "disclosures": "bus.cli.disclosures:list_disclosures",
    "keys": "bus.cli.keys:keys",
}
"""A command's name to the module and name of its function or group."""


def make_command_line(arguments: Sequence[str]) -> typer.Typer:
    """An application with the command that the arguments call, or with all commands if they call none.

    It imports only the called command: the import of all takes longer than most commands take.
    """
    app = typer.Typer(
        no_args_is_help=True,
        invoke_without_command=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="The data-exchange bus of Kabupaten Lamongan.",
    )
    # With a callback, Typer keeps the name of a single command.
    app.callback()(_show_version)
    called = [name for name in arguments[:1] if name in _COMMANDS]
    for name in called or _COMMANDS:
        command = resolve_name(_COMMANDS[name])
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _show_version(
    version: Annotated[bool, typer.Option("--version", help="print the version and exit", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(metadata.version("bus-lamongan"))
        raise typer.Exit


def main() -> None:
    """Run a command: exit 0 done, 1 refused (the reason on standard error), 2 wrong usage."""
    try:
        make_command_line(sys.argv[1:])()
    except Refused as refusal:
        say(refusal.detail, err=True)
        for error in refusal.errors:
            say(f"  {error.pointer or '(document)'}: {error.detail}", err=True)
        sys.exit(1)
