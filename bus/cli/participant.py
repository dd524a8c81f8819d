"""`bus participant` and `bus client`: changes participants and clients, on the machine with the bus's data folder."""

import re
from pathlib import Path
from typing import Annotated

import typer

from bus import json
from bus.actions import Channel, on_this_machine
from bus.cli.limits import show_limits
from bus.cli.terminal import say, say_json, say_row
from bus.cli.workspace import open_workspace
from bus.identity import Kind, Participants, Scope

participant = typer.Typer(no_args_is_help=True, help="The organisations and apps that the bus knows.")
client = typer.Typer(no_args_is_help=True, help="The OAuth clients of a participant.")

participant.command("limits")(show_limits)

Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]

_PAGE = 500


@participant.command("add")
def add_participant(
    name: Annotated[str, typer.Argument(help="such as dukcapil-lamongan")],
    kind: Annotated[Kind, typer.Option(help="the participant's kind; `bus init` alone makes the operator")],
    title: Annotated[str, typer.Option(help="full name; absent: the name")] = "",
    data: Data = None,
) -> None:
    """Add an organisation or app.

    Example: bus participant add bapenda --kind app --title "Badan Pendapatan Daerah"
    """
    with open_workspace(data) as workspace:
        made = Participants(workspace.storage).add(name, title or name, kind, on_this_machine(Channel.CLI))
    say(f"added {made.name}")


@participant.command("list")
def list_participants(data: Data = None, as_json: AsJson = False) -> None:
    """List the participants.

    Example: bus participant list --json
    """
    with open_workspace(data) as workspace:
        participants = Participants(workspace.storage)
        after = ""
        while page := participants.page(_PAGE, after):
            after = page[-1].name
            for found in page:
                row = {"name": found.name, "kind": found.kind.value, "title": found.title}
                if as_json:
                    say_json(row)
                else:
                    say_row(list(row.values()))


@client.command("add")
def add_client(
    participant: Annotated[str, typer.Argument(help="the participant")],
    scope: Annotated[list[str], typer.Option(help=f"one or several times; of {', '.join(Scope)}")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a client, and print its id and secret. Nobody can read the secret again.

    Example: bus client add bapenda --scope events.read --scope subscriptions.manage --json
    """
    scopes = [name for given in scope for name in re.split(r"[\s,]+", given) if name]
    with open_workspace(data) as workspace:
        made, secret = Participants(workspace.storage).add_client(participant, scopes, by=on_this_machine(Channel.CLI))
    shown = {"client_id": made.client_id, "client_secret": secret}
    typer.echo(
        json.dumps(shown).decode() if as_json else "\n".join(f"{name}: {value}" for name, value in shown.items())
    )


@client.command("list")
def list_clients(
    participant: Annotated[str, typer.Argument(help="the participant")], data: Data = None, as_json: AsJson = False
) -> None:
    """List the clients of a participant, with revoked clients.

    Example: bus client list bapenda
    """
    with open_workspace(data) as workspace:
        participants = Participants(workspace.storage)
        after = ""
        while page := participants.clients(participant, _PAGE, after):
            after = page[-1].client_id
            for found in page:
                state = "revoked" if found.revoked else "active"
                row = {"client_id": found.client_id, "state": state, "scopes": " ".join(sorted(found.scopes))}
                if as_json:
                    say_json(row)
                else:
                    say_row(list(row.values()))


@client.command("revoke")
def revoke_client(
    participant: Annotated[str, typer.Argument(help="the participant")],
    client_id: Annotated[str, typer.Argument(help="the client's id")],
    data: Data = None,
) -> None:
    """Revoke a client for good. A running bus refuses its tokens within a second.

    Example: bus client revoke bapenda client_k3v5m2qa7xw4c6dnb5ty
    """
    with open_workspace(data) as workspace:
        Participants(workspace.storage).revoke_client(participant, client_id, on_this_machine(Channel.CLI))
    say(f"revoked {client_id}")
