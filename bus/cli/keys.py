"""`bus keys`: rotates the keys of a bus, on the machine with its data folder."""

from pathlib import Path
from typing import Annotated, Final

import typer

from bus.actions import Action, Channel, Object, Verb, identify_operator, note
from bus.cli.terminal import say
from bus.cli.workspace import open_workspace
from bus.delivery import reencrypt_secrets
from bus.identity import ALGORITHMS, rotate_keys
from bus.staff import reencrypt_authenticators

_BUS: Final = Object("bus", "bus")

keys = typer.Typer(no_args_is_help=True, help="The keys that sign tokens and encrypt secrets.")
# With a callback, Typer keeps the name of a single command.
keys.callback()(lambda: None)


@keys.command("rotate")
def rotate(
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    leaked: Annotated[bool, typer.Option("--leaked", help="a stranger has the keys: end every token")] = False,
    algorithm: Annotated[str, typer.Option(help=f"of the signing key: {', '.join(ALGORITHMS)}")] = ALGORITHMS[0],
) -> None:
    """Make a new signing key and a new encryption key. Running processes take them within two seconds.

    The new keys sign and encrypt a minute later. Earlier keys still verify and decrypt, and no token ends. With --leaked the
    new keys take over at once, and every token ends. The command first encrypts all stored secrets with the present key.

    Example: bus keys rotate --data .bus
    """
    if algorithm not in ALGORITHMS:
        raise typer.BadParameter(f"choose one of {', '.join(ALGORITHMS)}", param_hint="--algorithm")
    with open_workspace(data) as workspace:
        # The entry comes first, since nothing undoes new keys.
        with workspace.storage.write() as transaction:
            secrets = reencrypt_secrets(transaction, workspace.keys)
            secrets += reencrypt_authenticators(transaction, workspace.keys)
            details = {"leaked": leaked, "reencrypted": secrets}
            note(transaction, Action(Verb.KEYS_ROTATE, identify_operator(Channel.CLI), _BUS, details=details))
        rotate_keys(workspace.settings.data_dir / "keys", leaked=leaked, algorithm=algorithm)
    say(
        "rotated; running processes on this folder take the new keys by themselves. Copy it to other machines now, and back it up"
    )
    if leaked:
        say("every token has ended; rotate the secret of each subscription, which may have leaked too")
