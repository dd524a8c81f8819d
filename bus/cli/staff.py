"""`bus staff`: changes the accounts of those who use the console, on the machine with the bus's data folder."""

from pathlib import Path
from typing import Annotated, Final

import typer

from bus.actions import Channel, identify_operator
from bus.cli.terminal import say, say_json, say_row
from bus.cli.workspace import Workspace, open_workspace
from bus.staff import LINK_PATH, Accounts, Role

staff = typer.Typer(
    no_args_is_help=True, help="The people who use the console, their roles, and links to set their passwords."
)

Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
Address = Annotated[str, typer.Option(help="where the member's browser reaches the bus; absent: BUS_PUBLIC_URL")]
Name = Annotated[str, typer.Argument(help="the account's name, such as siti")]

_HERE: Final = "http://127.0.0.1:8080"
"""Where `bus serve` listens by default."""
_PAGE: Final = 500


@staff.command("add")
def add(
    name: Name,
    peran: Annotated[Role, typer.Option(help="the member's role")],
    participant: Annotated[
        str | None, typer.Option(help="the participant that a pemilik-aplikasi or pemilik-kontrak acts for")
    ] = None,
    address: Address = "",
    data: Data = None,
) -> None:
    """Add an account, and print a link by which the member sets a password and an authenticator. The link works once.

    Example: bus staff add siti --peran pemilik-aplikasi --participant bapenda
    """
    with open_workspace(data) as workspace:
        secret = open_accounts(workspace).add(name, peran, participant, identify_operator(Channel.CLI))
        _say_link(workspace, secret, address)


@staff.command("link")
def link(name: Name, address: Address = "", data: Data = None) -> None:
    """Print a new link for an account, for a member who lost the password, the authenticator or the first link.

    Example: bus staff link siti
    """
    with open_workspace(data) as workspace:
        _say_link(workspace, open_accounts(workspace).make_link(name, identify_operator(Channel.CLI)), address)


@staff.command("list")
def list_accounts(data: Data = None, as_json: AsJson = False) -> None:
    """List the accounts, with disabled accounts.

    Example: bus staff list
    """
    with open_workspace(data) as workspace:
        accounts, after = open_accounts(workspace), ""
        while page := accounts.list_page(_PAGE, after):
            after = page[-1].name
            for one in page:
                state = "disabled" if one.is_disabled else "active" if one.is_set_up else "not set up"
                row = {"name": one.name, "peran": one.role.value, "participant": one.participant or "", "state": state}
                if as_json:
                    say_json(row)
                else:
                    say_row(list(row.values()))
    if not after and not as_json:
        say("there is no account; `bus staff add` makes one")


@staff.command("disable")
def disable(name: Name, data: Data = None) -> None:
    """Shut an account out for good. Its sessions end at once.

    Example: bus staff disable siti
    """
    with open_workspace(data) as workspace:
        open_accounts(workspace).disable(name, identify_operator(Channel.CLI))
    say(f"disabled {name}")


def open_accounts(workspace: Workspace) -> Accounts:
    """The register of accounts in a workspace."""
    return Accounts(workspace.storage, workspace.keys, workspace.settings.staff_link_minutes)


def write_link(workspace: Workspace, secret: str, address: str = "") -> str:
    """A link's address, for the member's browser."""
    place = (address or workspace.settings.public_url or _HERE).rstrip("/")
    # Browsers know passkeys at localhost, and not at an address of digits.
    return place.replace("http://127.0.0.1", "http://localhost", 1) + LINK_PATH + secret


def _say_link(workspace: Workspace, secret: str, address: str) -> None:
    say(write_link(workspace, secret, address))
    minutes = workspace.settings.staff_link_minutes
    say(
        f"The link works once, for {minutes} minutes. Give it to the member by a way that others do not read.", err=True
    )
