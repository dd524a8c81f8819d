"""`bus participant` and `bus client`: changes participants and clients, on the machine with the bus's data folder."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from bus import json
from bus.actions import Channel, identify_operator
from bus.cli.limits import show_limits
from bus.cli.participant_apply import apply_participants
from bus.cli.terminal import say, say_json, say_row
from bus.cli.workspace import open_workspace
from bus.identity import Kind, Participants, Scope

participant = typer.Typer(no_args_is_help=True, help="The organisations and apps that the bus knows.")
client = typer.Typer(no_args_is_help=True, help="The OAuth clients of a participant.")

participant.command("apply")(apply_participants)
participant.command("limits")(show_limits)

Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
KeySetFile = Annotated[Path | None, typer.Option(help="file with a JWK Set of public keys, for private_key_jwt")]

_PAGE = 500


@participant.command("add")
def add_participant(
    name: Annotated[str, typer.Argument(help="such as dukcapil-lamongan")],
    kind: Annotated[Kind, typer.Option(help="the participant's kind; `bus init` alone makes the operator")],
    title: Annotated[str, typer.Option(help="full name; absent: the name")] = "",
    contact: Annotated[str | None, typer.Option(help="mail address that gets its notices")] = None,
    data: Data = None,
) -> None:
    """Add an organisation or app.

    Example: bus participant add bapenda --kind app --title "Badan Pendapatan Daerah"
    """
    with open_workspace(data) as workspace:
        by = identify_operator(Channel.CLI)
        made = Participants(workspace.storage).add(name, title or name, kind, by, contact)
    say(f"added {made.name}")


@participant.command("set")
def set_contact(
    name: Annotated[str, typer.Argument(help="the participant")],
    contact: Annotated[str, typer.Option(help="mail address that gets its notices; an empty one takes it away")],
    data: Data = None,
) -> None:
    """Change where a participant gets its notices.

    Example: bus participant set bapenda --contact tik@bapenda.lamongan.go.id
    """
    with open_workspace(data) as workspace:
        Participants(workspace.storage).set_contact(name, contact or None, identify_operator(Channel.CLI))
    say(f"{name} gets its notices at {contact}" if contact else f"{name} gets no notices")


@participant.command("list")
def list_participants(data: Data = None, as_json: AsJson = False) -> None:
    """List the participants.

    Example: bus participant list --json
    """
    with open_workspace(data) as workspace:
        participants = Participants(workspace.storage)
        after = ""
        while page := participants.list_page(_PAGE, after):
            after = page[-1].name
            for found in page:
                row = {"name": found.name, "kind": found.kind.value, "title": found.title}
                if found.contact:
                    row["contact"] = found.contact
                if as_json:
                    say_json(row)
                else:
                    say_row(list(row.values()))


@client.command("add")
def add_client(
    participant: Annotated[str, typer.Argument(help="the participant")],
    scope: Annotated[list[str], typer.Option(help=f"one or several times; of {', '.join(Scope)}")],
    jwks: KeySetFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a client, and print its id and secret. Nobody can read the secret again. A client with keys has no secret.

    Example: bus client add bapenda --scope events.read --scope subscriptions.manage --json
    """
    keys = None if jwks is None else _read_key_set(jwks)
    with open_workspace(data) as workspace:
        made, secret = Participants(workspace.storage).add_client(
            participant, _split_scopes(scope), keys, by=identify_operator(Channel.CLI)
        )
    _show({"client_id": made.client_id} | ({} if secret is None else {"client_secret": secret}), as_json)


@client.command("update")
def update_client(
    participant: Annotated[str, typer.Argument(help="the participant")],
    client_id: Annotated[str, typer.Argument(help="the client's id")],
    scope: Annotated[list[str] | None, typer.Option(help="all scopes from now on, one or several times")] = None,
    jwks: KeySetFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Change a client's scopes or keys. Its secret stays, unless it gets keys.

    Tokens lose within a second what is taken away, and gain nothing: the client asks for a new one.

    Example: bus client update bapenda client_k3v5m2qa7xw4c6dnb5ty --scope events.read
    """
    scopes = _split_scopes(scope) if scope else None
    keys = None if jwks is None else _read_key_set(jwks)
    with open_workspace(data) as workspace:
        changed = Participants(workspace.storage).update_client(
            participant, client_id, scopes, keys, by=identify_operator(Channel.CLI)
        )
    _show({"client_id": changed.client_id, "scopes": " ".join(sorted(changed.scopes))}, as_json)


def _split_scopes(given: list[str]) -> list[str]:
    return [name for text in given for name in re.split(r"[\s,]+", text) if name]


def _read_key_set(path: Path) -> dict[str, Any]:
    try:
        jwks = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise typer.BadParameter(f"{path} is no JSON file that can be read", param_hint="--jwks") from None
    if not isinstance(jwks, dict):
        raise typer.BadParameter(f"{path} holds no JWK Set", param_hint="--jwks")
    return jwks


def _show(fields: dict[str, str], as_json: bool) -> None:
    lines = [f"{name}: {value}" for name, value in fields.items()]
    typer.echo(json.dumps(fields).decode() if as_json else "\n".join(lines))


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
        while page := participants.list_clients(participant, _PAGE, after):
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
        Participants(workspace.storage).revoke_client(participant, client_id, identify_operator(Channel.CLI))
    say(f"revoked {client_id}")
