"""The workspace of a command: the data folder with its settings, keys and database."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bus.delivery import bell
from bus.delivery.broker import BrokerAddress
from bus.identity import Keys, load_keys
from bus.problem import Refused
from bus.settings import Settings, load_settings
from bus.storage import Storage, has_pending_migrations, open_storage

_KEPT = ("database_url", "broker_url")


class NotInitialised(Refused):
    """There is no bus in this folder; run `bus init` first."""

    slug = "not-initialised"


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a command works on."""

    settings: Settings
    storage: Storage
    keys: Keys


@contextmanager
def open_workspace(data: Path | None, **given: Any) -> Iterator[Workspace]:
    """The workspace in a data folder (None: from the environment).

    Raises:
        NotInitialised: `bus init` was not run there, or this version needs it run again.
        SettingsWrong: names what is wrong.
    """
    settings = settings_of(data, **given)
    if not (settings.data_dir / "keys").is_dir():
        raise NotInitialised(f"There is no bus in {settings.data_dir}; run `bus init --data {settings.data_dir}`.")
    keys = load_keys(settings.data_dir / "keys")
    storage = open_storage(settings.database)
    address = BrokerAddress(settings.broker_url, settings.broker_prefix)
    if not address.is_memory:
        storage.after_announce = lambda: bell.ring_once(address)
    try:
        if has_pending_migrations(storage):
            raise NotInitialised(f"The database is of another version; run `bus init --data {settings.data_dir}`.")
        yield Workspace(settings, storage, keys)
    finally:
        storage.close()


def settings_of(data: Path | None, **given: Any) -> Settings:
    """The settings: what is given, else the environment's and the files', else what `bus init` kept in the data folder."""
    first = load_settings(data_dir=data)
    kept = _kept(first.data_dir)
    for name in _KEPT:
        if given.get(name) is None and name not in first.model_fields_set:
            given[name] = kept.get(name)
    return load_settings(data_dir=data, **given)


def keep_settings(settings: Settings) -> None:
    """Keep the addresses that `bus init` was given for the commands that come after; the file may hold passwords.

    An address that has a file in the folder of secrets is not kept: a password stays in one place.
    """
    path = settings.data_dir / "settings.json"
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        kept = {name: getattr(settings, name) for name in _KEPT if not settings.is_from_file(name)}
        json.dump(kept, file, indent=2)


def _kept(data_dir: Path) -> dict[str, Any]:
    path = data_dir / "settings.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return kept
