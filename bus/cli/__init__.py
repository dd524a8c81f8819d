"""The command line: `bus …`."""

import gc
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
    "dev": "bus.cli.dev:dev",
    "listen": "bus.cli.listen:listen",
    "pull": "bus.cli.pull:pull",
    "serve": "bus.cli.serve:serve",
    "doctor": "bus.cli.doctor:doctor",
    "backup": "bus.cli.backup:backup",
    "restore": "bus.cli.backup:restore",
    "restored": "bus.cli.backup:restored",
    "simulate": "bus.cli.simulate:simulate",
    "status": "bus.cli.status:show_status",
    "deliveries": "bus.cli.deliveries:list_deliveries",
    "answers": "bus.cli.deliveries:show_answers",
    "events": "bus.cli.events:list_events",
    "refusals": "bus.cli.events:list_refusals",
    "actions": "bus.cli.actions:list_actions",
    "disclosures": "bus.cli.disclosures:list_disclosures",
    "console": "bus.cli.console:open_console",
    "participant": "bus.cli.participant:participant",
    "client": "bus.cli.participant:client",
    "subscription": "bus.cli.subscription:subscription",
    "agency": "bus.cli.agency:agency",
    "adapter": "bus.cli.adapter:adapter",
    "contract": "bus.cli.contracts:contracts",
    "domain": "bus.cli.domain:domain",
    "grant": "bus.cli.grant:grant",
    "staff": "bus.cli.staff:staff",
    "keys": "bus.cli.keys:keys",
    "notify": "bus.cli.notify:notify",
}
"""A command's name to the module and name of its function or group. Functions come first, as `bus --help` lists them."""
_LINES: Final = {
    "init": "Make a bus, or bring a bus to this version. A new bus prints its first admin client, once.",
    "dev": "Run a bus to develop against: with the shipped contracts, clients, and webhooks on this machine.",
    "listen": "Show the events of contracts as they come. Ctrl-C ends it, and leaves nothing behind.",
    "pull": "Copy the records of a contract, and bring the copy up to date whenever you call this again.",
    "serve": "Run the bus until SIGTERM. It then finishes the requests and deliveries under way, within BUS_DRAIN_SECONDS.",
    "doctor": "Say what is wrong with the bus, and what helps. Exits with 1 if somebody has to act.",
    "backup": "Back up database, keys and settings, while the bus runs, and check the copy.",
    "restore": "Make a bus from a back-up. What does not fit is refused, and nothing is changed.",
    "restored": "Say that the database was restored without `bus restore`, before the bus starts.",
    "simulate": "Run a simulator of an agency's API until you stop it.",
    "status": "Show who does not get what, and since when: subscribers, agencies, producers, and the bus itself.",
    "deliveries": "Show deliveries, by subscription and position, each with its last failed attempt.",
    "answers": "Show what a sink answered to the attempts of a delivery that failed. It may repeat personal data: your look is "
    "disclosed.",
    "events": "Show where the newest events are, who sent them and when; not what is in them.",
    "refusals": "Show what was refused at publishing, by hour, sender, rule and place; newest first.",
    "actions": "Show who changed what, which acts the bus refused, and which logins failed; newest first.",
    "disclosures": "Show who received whose personal data, when, and under which grant; newest first. The action log tells "
    "that you asked.",
    "console": "Print a link that opens the console as operator, once.",
    "participant": "The organisations and apps that the bus knows.",
    "client": "The OAuth clients of a participant.",
    "subscription": "Who gets which events, and where to.",
    "agency": "The agencies that the bus polls, asks and delivers to.",
    "adapter": "Adapters: documents of agencies' APIs, called without code; packages of code.",
    "contract": "Contracts: which data offices exchange, and who may get which fields and why.",
    "domain": "Who proposes and activates contracts in which domain.",
    "grant": "Who gets the data of which contract, until when, and what is suspended.",
    "staff": "The people who use the console, their roles, and links to set their passwords.",
    "keys": "The keys that sign tokens and encrypt secrets.",
    "notify": "Notices: what people are told by mail or webhook, and whether it works.",
}
"""A command's name to its line in `bus --help`, the first line of the command's own help."""


def make_command_line(arguments: Sequence[str]) -> typer.Typer:
    """An application with the command that the arguments call, or with all commands if they call none.

    It imports only the called command: the import of all takes longer than most commands take.
    """
    app = _make_app()
    called = [name for name in arguments[:1] if name in _COMMANDS]
    for name in called or _COMMANDS:
        command = resolve_name(_COMMANDS[name])
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def make_overview() -> typer.Typer:
    """An application that shows the commands, for arguments that call none of them. It imports no command."""
    app = _make_app()
    for name in _COMMANDS:
        app.command(name, help=_LINES[name])(_do_nothing)
    return app


def _do_nothing() -> None:
    """Stand for a command in the overview."""


def _make_app() -> typer.Typer:
    app = typer.Typer(
        no_args_is_help=True,
        invoke_without_command=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="The data-exchange bus of Kabupaten Lamongan.",
    )
    # With a callback, Typer keeps the name of a single command.
    app.callback()(_show_version)
    return app


def _show_version(
    version: Annotated[bool, typer.Option("--version", help="print the version and exit", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(metadata.version("bus-lamongan"))
        raise typer.Exit


def main() -> None:
    """Run a command: exit 0 done, 1 refused (the reason on standard error), 2 wrong usage."""
    called = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
    # A search for garbage among the objects of modules finds none, and takes a tenth of the time.
    gc.disable()
    app = make_command_line([called]) if called in _COMMANDS else make_overview()
    gc.enable()
    try:
        app()
    except Refused as refusal:
        say(refusal.detail, err=True)
        for error in refusal.errors:
            say(f"  {error.pointer or '(document)'}: {error.detail}", err=True)
        sys.exit(1)
