"""`bus init`: makes a bus with folder, keys, tables and the first client."""

from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import make_url

from bus import json
from bus.actions import Action, ActionLog, Actor, Channel, Object, Verb, identify_operator, mask_url, note
from bus.cli.privacy import close_to_others, private_files
from bus.cli.workspace import find_settings, keep_settings, read_kept
from bus.identity import bootstrap, create_keys, has_operator
from bus.problem import Refused
from bus.settings import Settings
from bus.storage import (
    Storage,
    StorageUnavailable,
    Transaction,
    explain_unreachable,
    open_storage,
    read_schema,
    upgrade,
)

_BUS: Final = Object("bus", "bus")
_NO_DATABASE: Final = (
    "{keys} has the keys of a bus, and {database} has no tables. Restore the database from the back-up (`bus restore` into an "
    "empty folder). For a new bus name another folder with --data."
)
_NO_KEYS: Final = (
    "The database is of a bus, and {keys} is missing. Put the folder back from the back-up. If no back-up has it, say "
    "--keys-are-lost: webhook secrets have to be made anew then, and pseudonyms change."
)


class HalfMissing(Refused):
    """Half of a bus is missing: its keys or its database. Restore it from the back-up."""

    slug = "half-missing"


def init(
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    database_url: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL; absent: a SQLite file in the folder")
    ] = None,
    broker_url: Annotated[str | None, typer.Option(help="kombu URL; absent: memory://")] = None,
    keys_are_lost: Annotated[
        bool, typer.Option("--keys-are-lost", help="no back-up has the keys: make new ones for this database")
    ] = False,
) -> None:
    """Make a bus, or bring a bus to this version. A new bus prints its first admin client, once.

    Where one half of a bus is, database or keys, the other half is never made: it has to be restored.

    Example: bus init --data .bus
    """
    settings = find_settings(data, database_url=database_url, broker_url=broker_url)
    by = identify_operator(Channel.CLI)
    before = read_kept(settings.data_dir) or None
    # Now and again at the end: no password may go into a file that others can read.
    close_to_others(settings)
    with private_files():
        changed, admin = make_bus(settings, by, keys_are_lost)
    close_to_others(settings)
    has_new_addresses = before not in (None, read_kept(settings.data_dir))
    if admin is not None:
        typer.echo(json.dumps({"client_id": admin[0], "client_secret": admin[1]}))
    elif has_new_addresses and not changed:
        typer.echo(json.dumps({"message": "the addresses of database and broker are kept anew; restart the processes"}))
    elif changed:
        typer.echo(json.dumps({"message": "upgraded; participants and clients are unchanged"}))
    else:
        typer.echo(json.dumps({"message": "nothing changed: this bus is initialised already"}))


def make_bus(settings: Settings, by: Actor, keys_are_lost: bool = False) -> tuple[bool, tuple[str, str] | None]:
    """Make a bus, or bring a bus to this version.

    Returns:
        Whether the call changed something; and the first admin client with its secret, or None if the bus had one.

    Raises:
        HalfMissing: the place has a database without its keys, or keys without their database.
    """
    keys = settings.data_dir / "keys"
    _check_database_file(settings, keys)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    storage = open_storage(settings.database)
    try:
        try:
            _check_halves(settings, storage, keys, keys_are_lost)
        except StorageUnavailable:
            raise explain_unreachable(settings.database) from None
        has_new_tables = upgrade(storage, partial(_note_upgrade, by))
        # After the tables: what is broken off in between can be begun again.
        has_new_keys = create_keys(keys)
        keep_settings(settings)
        admin = bootstrap(storage, by)
        if has_new_keys and admin is None:
            # The bus has lost its keys: it cannot read any more what they encrypted.
            ActionLog(storage).record([Action(Verb.KEYS_CREATE, by, _BUS)])
        return has_new_tables or has_new_keys, admin
    finally:
        storage.close()


def _check_database_file(settings: Settings, keys: Path) -> None:
    """Refuse keys without a SQLite file, before opening makes the file."""
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and keys.is_dir() and not Path(url.database or "").exists():
        raise HalfMissing(_NO_DATABASE.format(keys=keys, database=url.database))


def _check_halves(settings: Settings, storage: Storage, keys: Path, keys_are_lost: bool) -> None:
    # Asked before the tables: another `bus init` makes these first.
    has_keys = keys.is_dir()
    with storage.read() as transaction:
        has_tables = bool(read_schema(transaction))
    if has_keys and not has_tables:
        raise HalfMissing(_NO_DATABASE.format(keys=keys, database=mask_url(settings.database)))
    if has_tables and not keys_are_lost and has_operator(storage) and not keys.is_dir():
        raise HalfMissing(_NO_KEYS.format(keys=keys))


def _note_upgrade(by: Actor, transaction: Transaction, before: str, after: str) -> None:
    note(transaction, Action(Verb.BUS_UPGRADE, by, _BUS, before={"tables": before}, after={"tables": after}))
