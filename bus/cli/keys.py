"""`bus keys`: the keys of a bus, on the machine where its data folder is."""

from pathlib import Path
from typing import Annotated

import typer

from bus.cli.workspace import settings_of
from bus.identity.keys import renew_keys

keys = typer.Typer(no_args_is_help=True, help="The keys that sign tokens and encrypt secrets.")
# With a callback Typer leaves a single command its name.
keys.callback()(lambda: None)


@keys.command("renew")
def renew(
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    leaked: Annotated[bool, typer.Option("--leaked", help="somebody else has the keys: end every token")] = False,
) -> None:
    """Make a new signing key and a new encryption key; earlier ones still verify and decrypt. Then restart all processes.

    Example: bus keys renew --data .bus
    """
    renew_keys(settings_of(data).data_dir / "keys", leaked=leaked)
    typer.echo("renewed; restart every process of this bus now, and back the keys up")
    if leaked:
        typer.echo("every token has ended; rotate the secret of each subscription, since these may have leaked too")
