"""`bus domain`: shows and changes who owns the domains of contracts, on the machine with the bus's data folder."""

from pathlib import Path
from typing import Annotated

import typer

from bus import clock
from bus.actions import Channel, identify_operator
from bus.cli.contract import open_catalogue
from bus.cli.terminal import say, say_json, say_row
from bus.cli.workspace import open_workspace
from bus.identity import Participants

domain = typer.Typer(no_args_is_help=True, help="Who proposes and activates contracts in which domain.")

Name = Annotated[str, typer.Argument(help="the first part of contracts' names, such as kesehatan")]
Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]


@domain.command("set")
def set_owner(
    name: Name, owner: Annotated[str, typer.Option(help="the participant that owns the domain")], data: Data = None
) -> None:
    """Give a domain to a participant, which then proposes and activates the versions in it.

    Example: bus domain set kesehatan --owner dinkes
    """
    with open_workspace(data) as workspace:
        Participants(workspace.storage).get(owner)
    with open_catalogue(data) as catalogue:
        catalogue.registrar.set_domain_owner(name, owner, identify_operator(Channel.CLI))
    say(f"{name} belongs to {owner}")


@domain.command("unset")
def unset_owner(name: Name, data: Data = None) -> None:
    """Take a domain from its owner. The operator alone then proposes and activates in it.

    Example: bus domain unset kesehatan
    """
    with open_catalogue(data) as catalogue:
        catalogue.registrar.set_domain_owner(name, None, identify_operator(Channel.CLI))
    say(f"{name} belongs to nobody")


@domain.command("list")
def list_domains(
    data: Data = None, as_json: Annotated[bool, typer.Option("--json", help="print each as JSON")] = False
) -> None:
    """List the domains that have contracts or an owner. Nobody but the operator decides in a domain without an owner.

    Example: bus domain list --json
    """
    with open_catalogue(data) as catalogue:
        for found in catalogue.registrar.read_domains():
            since = None if found.since is None else clock.rfc3339(found.since)
            if as_json:
                say_json({"domain": found.name, "owner": found.owner, "since": since})
            else:
                say_row([found.name, found.owner or "(nobody)", since or ""])
