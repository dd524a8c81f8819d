"""`bus init`: makes a bus with folder, keys, tables and the first client."""

from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from bus import json
from bus.actions import Action, ActionLog, Actor, Channel, Object, Verb, note, on_this_machine
from bus.cli.privacy import close_to_others, private_files
from bus.cli.workspace import find_settings, keep_settings
from bus.identity import bootstrap, create_keys
from bus.settings import Settings
from bus.storage import Transaction, open_storage, upgrade

_BUS: Final = Object("bus", "bus")


def init(
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    database_url: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL; absent: a SQLite file in the folder")
    ] = None,
    broker_url: Annotated[str | None, typer.Option(help="kombu URL; absent: memory://")] = None,
) -> None:
    """Make a bus, or bring a bus to this version. A new bus prints its first admin client, once.

    Example: bus init --data .bus
    """
    settings = find_settings(data, database_url=database_url, broker_url=broker_url)
    by = on_this_machine(Channel.CLI)
    # Now and again at the end: no password may go into a file that others can read.
    close_to_others(settings)
    with private_files():
        changed, admin = _make_bus(settings, by)
    close_to_others(settings)
    if admin is not None:
        typer.echo(json.dumps({"client_id": admin[0], "client_secret": admin[1]}))
    elif changed:
        typer.echo(json.dumps({"message": "upgraded; participants and clients are unchanged"}))
    else:
        typer.echo(json.dumps({"message": "nothing changed: this bus is initialised already"}))


def _make_bus(settings: Settings, by: Actor) -> tuple[bool, tuple[str, str] | None]:
    """Whether the call changed something; and the first admin client with its secret, or None if the bus had one."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    has_new_keys = create_keys(settings.data_dir / "keys")
    storage = open_storage(settings.database)
    try:
        changed = upgrade(storage, partial(_note_upgrade, by)) or has_new_keys
        keep_settings(settings)
        admin = bootstrap(storage, by)
        if has_new_keys and admin is None:
            # The bus has lost its keys: it cannot read any more what they encrypted.
            ActionLog(storage).record([Action(Verb.KEYS_CREATE, by, _BUS)])
        return changed, admin
    finally:
        storage.close()


def _note_upgrade(by: Actor, transaction: Transaction, before: str, after: str) -> None:
    note(transaction, Action(Verb.BUS_UPGRADE, by, _BUS, before={"tables": before}, after={"tables": after}))
