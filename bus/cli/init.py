"""`bus init`: makes a bus: folder, keys, tables, and the first client."""

from pathlib import Path
from typing import Annotated

import typer

from bus import json
from bus.cli.privacy import close_to_others, private_files
from bus.cli.workspace import keep_settings, settings_of
from bus.identity.keys import create_keys
from bus.identity.participants import bootstrap
from bus.settings import Settings
from bus.storage import open_storage, upgrade


def init(
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    database_url: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL; absent: a SQLite file in the folder")
    ] = None,
    broker_url: Annotated[str | None, typer.Option(help="kombu URL; absent: memory://")] = None,
) -> None:
    """Make a bus, or bring one to this version; prints the first admin client, once.

    Example: bus init --data .bus
    """
    settings = settings_of(data, database_url=database_url, broker_url=broker_url)
    # Before as well: passwords must not be written into a file that is open.
    close_to_others(settings)
    with private_files():
        changed, admin = _made(settings)
    close_to_others(settings)
    if admin is not None:
        typer.echo(json.dumps({"client_id": admin[0], "client_secret": admin[1]}))
    elif changed:
        typer.echo(json.dumps({"message": "upgraded; participants and clients are as they were"}))
    else:
        typer.echo(json.dumps({"message": "nothing changed: this bus was initialised before"}))


def _made(settings: Settings) -> tuple[bool, tuple[str, str] | None]:
    """Whether something changed, and the first admin client with its secret, where it was made now."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    changed = create_keys(settings.data_dir / "keys")
    storage = open_storage(settings.database)
    try:
        changed |= upgrade(storage)
        keep_settings(settings)
        return changed, bootstrap(storage)
    finally:
        storage.close()
