"""The workspace of a command: a data folder with settings, keys and database."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bus.identity import Keys, load_keys
from bus.problem import Refused
from bus.settings import EMBEDDED, Settings, load_settings
from bus.storage import Storage, StorageUnavailable, explain_unreachable, has_pending_migrations, open_storage

_KEPT = ("database_url", "broker_url")


class NotInitialised(Refused):
    """There is no bus in this folder; run `bus init` first."""

    slug = "not-initialised"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The settings, the database and the keys of a bus."""

    settings: Settings
    storage: Storage
    keys: Keys


@contextmanager
def open_workspace(data: Path | None, announced: Callable[[], None] | None = None, **given: Any) -> Iterator[Workspace]:
    """The workspace in a data folder. It closes the database at the end.

    Args:
        data: the data folder; None: the folder of the settings.
        announced: called after each change; None: the command rings the running processes over the broker, if there is one.
        given: settings that replace those of the environment.

    Raises:
        NotInitialised: nobody ran `bus init` there, or this version needs `bus init` again.
        SettingsWrong: a setting is missing or wrong, by its name.
        DatabaseUnreachable: the message names the part of the address that is wrong.
    """
    settings = find_settings(data, **given)
    if not (settings.data_dir / "keys").is_dir():
        raise NotInitialised(
            f"There are no keys in {settings.data_dir}. For a new bus run `bus init --data {settings.data_dir}`; "
            "a bus that was here has to be restored (`bus restore`). "
            "If `bus dev` made the bus, name its folder: `export BUS_DATA_DIR=.bus-dev`."
        )
    keys = load_keys(settings.data_dir / "keys")
    storage = open_storage(settings.database, announced or partial(_ring, settings))
    try:
        if _is_of_another_version(storage, settings):
            raise NotInitialised(f"The database is of another version; run `bus init --data {settings.data_dir}`.")
        yield Workspace(settings, storage, keys)
    finally:
        storage.close()


def _is_of_another_version(storage: Storage, settings: Settings) -> bool:
    try:
        return has_pending_migrations(storage)
    except StorageUnavailable:
        raise explain_unreachable(settings.database) from None


def _ring(settings: Settings) -> None:
    if settings.broker.startswith(EMBEDDED):
        return
    # Most commands need nothing else of delivery, whose import takes longer than they do.
    from bus.delivery import find_broker, ring_once

    broker = find_broker(settings.broker, settings.broker_prefix)
    if broker is not None:
        ring_once(broker)


def find_settings(data: Path | None, **given: Any) -> Settings:
    """The settings: from `given`, else from environment and files, else from what `bus init` kept in the data folder."""
    first = load_settings(data_dir=data)
    kept = read_kept(first.data_dir)
    for name in _KEPT:
        if given.get(name) is None and name not in first.model_fields_set:
            given[name] = kept.get(name)
    return load_settings(data_dir=data, **given)


def keep_settings(settings: Settings) -> None:
    """Keep the addresses of `bus init` for later commands. The file may hold passwords, so only its user can read it.

    An address from a file in the folder of secrets is not kept: a password has one place.
    """
    path = settings.data_dir / "settings.json"
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        kept = {name: getattr(settings, name) for name in _KEPT if not settings.is_from_file(name)}
        json.dump(kept, file, indent=2)


def read_kept(data_dir: Path) -> dict[str, Any]:
    """The addresses that `bus init` kept in a data folder; empty: it kept none."""
    path = data_dir / "settings.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return kept
