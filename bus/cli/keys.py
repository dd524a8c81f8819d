"""`bus keys`: rotates the keys of a bus, on the machine with its data folder."""

from pathlib import Path
from typing import Annotated, Final

import typer

from bus.actions import Action, Channel, Object, Verb, identify_operator, note
from bus.cli.terminal import say
from bus.cli.workspace import open_workspace
from bus.delivery import reencrypt_secrets
from bus.identity import rotate_keys

_BUS: Final = Object("bus", "bus")

keys = typer.Typer(no_args_is_help=True, help="The keys that sign tokens and encrypt secrets.")
# With a callback, Typer keeps the name of a single command.
keys.callback()(lambda: None)


@keys.command("rotate")
def rotate(
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    leaked: Annotated[bool, typer.Option("--leaked", help="a stranger has the keys: end every token")] = False,
) -> None:
    """Make a new signing key and a new encryption key. Earlier keys still verify and decrypt. Then restart all processes.

    The command first encrypts all webhook secrets with the present key, the newest that running processes know.

    Example: bus keys rotate --data .bus
    """
    with open_workspace(data) as workspace:
        # The entry comes first, since nothing undoes new keys.
        with workspace.storage.write() as transaction:
            details = {"leaked": leaked, "reencrypted": reencrypt_secrets(transaction, workspace.keys)}
            note(transaction, Action(Verb.KEYS_ROTATE, identify_operator(Channel.CLI), _BUS, details=details))
        rotate_keys(workspace.settings.data_dir / "keys", leaked=leaked)
    say("rotated; restart every process of this bus now, and back up the keys")
    if leaked:
        say("every token has ended; rotate the secret of each subscription, which may have leaked too")
