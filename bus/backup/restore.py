"""Restores a back-up: makes a bus in an empty place, or changes nothing."""

import shutil
import tempfile
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from bus.actions import Action, Actor, Object, Verb, note
from bus.backup.errors import RestoreRefused, RestoreUnfinished
from bus.backup.files import close_folder
from bus.backup.last_epoch import begin_next_epoch
from bus.backup.manifest import Manifest, check_files, read_manifest
from bus.backup.sealing import open_folder, read_identity
from bus.delivery import check_secrets
from bus.identity import Undecryptable, load_keys
from bus.journal import JournalReader
from bus.settings import Settings
from bus.staff import check_authenticators
from bus.storage import Storage, Transaction, knows_schema, load_copy, name_copy, open_storage, read_schema


def restore_backup(folder: Path, settings: Settings, identity: Path | None, by: Actor) -> Manifest:
    """Make a bus from a back-up. The keys go to an empty data folder, the data to an empty database.

    Args:
        settings: say where: the data folder and the database.
        identity: a file with the private key of an encrypted back-up.

    Raises:
        RestoreRefused: the back-up is broken, or made for other keys, another kind of database or a later version; or there is
            a bus at that place.
        RestoreUnfinished: on PostgreSQL, the back-up's keys do not open its secrets. The database is loaded.
    """
    manifest = read_manifest(folder)
    url = make_url(settings.database)
    _check_fits(manifest, url)
    _check_empty(settings, url)
    check_files(folder, manifest)
    if manifest.is_encrypted != (identity is not None):
        wanted = "is encrypted; name the file with its private key" if manifest.is_encrypted else "is not encrypted"
        raise RestoreRefused(f"The back-up {wanted} (`--identity`).")
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.data_dir) as opened:
        staged = Path(opened)
        if identity is None:
            shutil.copytree(folder, staged, dirs_exist_ok=True)
        else:
            open_folder(folder, staged, read_identity(identity))
        # A copy of the back-up may have lost its modes.
        close_folder(staged)
        _put(staged, manifest, settings, url, by)
    return manifest


def note_restored(storage: Storage, data_dir: Path, by: Actor) -> int:
    """Note that a database was restored, and begin the epoch that follows. Returns the journal's newest position.

    Raises:
        RestoreRefused: see `begin_next_epoch`.
    """
    position = JournalReader(storage).last_position()
    with storage.write() as transaction:
        begin_next_epoch(transaction, data_dir)
        _note(transaction, {"last_position": position}, by)
    return position


def _check_fits(manifest: Manifest, url: URL) -> None:
    if not knows_schema(manifest.schema):
        raise RestoreRefused(
            f"Version {manifest.bus_version} of the bus made the back-up; install that or a later one."
        )
    if manifest.database != url.get_backend_name():
        raise RestoreRefused(
            f"The back-up is of a {manifest.database} database, and the settings name {url.get_backend_name()}; "
            "name one of its kind with --database-url."
        )


def _check_empty(settings: Settings, url: URL) -> None:
    """Refuse a place where a bus is, or the half of one."""
    if (settings.data_dir / "keys").exists():
        raise RestoreRefused(f"{settings.data_dir} has the keys of a bus; name an empty data folder.")
    if url.get_backend_name() == "sqlite":
        if Path(url.database or "").exists():
            raise RestoreRefused(f"{url.database} exists; move it away, or name another with --database-url.")
        return
    storage = open_storage(settings.database)
    try:
        with storage.read() as transaction:
            if read_schema(transaction):
                raise RestoreRefused("The database has the tables of a bus; name an empty one with --database-url.")
    finally:
        storage.close()


def _put(staged: Path, manifest: Manifest, settings: Settings, url: URL, by: Actor) -> None:
    """Put database, settings and keys in their places, the keys last: a bus without keys does not start."""
    copy = staged / name_copy(manifest.database)
    if manifest.database == "sqlite":
        _check_secrets(f"sqlite:///{copy}", staged)
        Path(url.database or "").parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(copy, url.database or "")
    else:
        load_copy(copy, url)
        try:
            _check_secrets(settings.database, staged)
        except RestoreRefused as refusal:
            raise RestoreUnfinished(
                f"{refusal.detail} Its database is loaded: empty that before you restore another."
            ) from None
    _begin_anew(settings, manifest, by)
    if (staged / "settings.json").exists() and not (settings.data_dir / "settings.json").exists():
        (staged / "settings.json").rename(settings.data_dir / "settings.json")
    (staged / "keys").rename(settings.data_dir / "keys")


def _check_secrets(database: str, staged: Path) -> None:
    storage = open_storage(database)
    try:
        with storage.read() as transaction:
            keys = load_keys(staged / "keys")
            check_secrets(transaction, keys)
            check_authenticators(transaction, keys)
    except Undecryptable:
        raise RestoreRefused("The keys in the back-up do not open the secrets in its database.") from None
    finally:
        storage.close()


def _begin_anew(settings: Settings, manifest: Manifest, by: Actor) -> None:
    """Begin an epoch before the bus has its keys: no bus gives positions again that are not of a new epoch."""
    storage = open_storage(settings.database)
    try:
        with storage.write() as transaction:
            begin_next_epoch(transaction, settings.data_dir)
            _note(transaction, {"made_at": manifest.made_at, "last_position": manifest.last_position}, by)
    finally:
        storage.close()


def _note(transaction: Transaction, details: dict[str, object], by: Actor) -> None:
    note(transaction, Action(Verb.BUS_RESTORE, by, Object("bus", "bus"), details=details))
