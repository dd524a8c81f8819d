"""Makes a back-up: copies of the database, the keys and the settings, checked before the folder gets its name."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from sqlalchemy.engine import make_url

from bus import clock
from bus.actions import Action, Actor, Object, Verb, note
from bus.backup.errors import BackupFailed, BackupRefused
from bus.backup.files import close_folder, digest_file, list_files, sync_folder
from bus.backup.manifest import Manifest, write_manifest
from bus.backup.sealing import read_recipient, seal_folder
from bus.delivery import check_secrets
from bus.identity import Keys, load_keys
from bus.journal import JournalReader
from bus.settings import Settings
from bus.staff import check_authenticators
from bus.storage import Storage, copy_database, name_copy, read_schema


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A back-up that was made.

    Attributes:
        size: of all its files, in bytes.
    """

    folder: Path
    manifest: Manifest
    size: int


def make_backup(settings: Settings, storage: Storage, folder: Path, recipient: str | None, by: Actor) -> BackedUp:
    """Back a bus up into a folder, while it runs, and check what was written.

    The folder gets its name at the end: a folder that exists is a whole back-up.

    Args:
        folder: must not exist, or be empty.
        recipient: public key of age, for which everything is encrypted; None: nothing is.

    Raises:
        BackupRefused: the folder holds something, or the recipient is none.
        BackupFailed: the folder cannot be written.
        CopyFailed: the database cannot be copied, or the copy is not sound.
        Undecryptable: the keys do not open what the database holds.
    """
    sealing = None if recipient is None else read_recipient(recipient)
    with _draft(folder) as draft:
        with storage.read() as transaction:
            schema = read_schema(transaction)
        position = JournalReader(storage).last_position()
        if sealing is None:
            _copy_all(settings, storage, draft)
        else:
            # Unencrypted only where the bus keeps the same in the open.
            with tempfile.TemporaryDirectory(prefix=".backup-", dir=settings.data_dir) as plain:
                _copy_all(settings, storage, Path(plain))
                seal_folder(Path(plain), draft, sealing)
        manifest = Manifest(
            clock.now().isoformat(timespec="seconds"),
            metadata.version("bus-lamongan"),
            schema,
            _kind(settings),
            position,
            sealing is not None,
            {name: digest_file(draft / name) for name in list_files(draft)},
        )
        write_manifest(draft, manifest)
        size = sum((draft / name).stat().st_size for name in list_files(draft))
        close_folder(draft)
        sync_folder(draft)
    with storage.write() as transaction:
        details = {"last_position": position, "encrypted": sealing is not None}
        note(transaction, Action(Verb.BUS_BACKUP, by, Object("bus", "bus"), details=details))
    return BackedUp(folder, manifest, size)


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A folder to write to, which becomes `folder` at the end; after an error nothing is left of it."""
    draft = folder.with_name(folder.name + ".partial")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise BackupRefused(f"{folder} holds something; name a folder that does not exist.")
        draft.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise BackupRefused(
            f"{draft} is left of a back-up that was broken off, or of one that runs; delete it then."
        ) from None
    except OSError as error:
        raise BackupRefused(f"Cannot write to {folder}: {error.strerror}.") from None
    try:
        yield draft
        draft.rename(folder)
    except OSError as error:
        raise BackupFailed(f"Cannot write to {folder}: {error.strerror}.") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _copy_all(settings: Settings, storage: Storage, target: Path) -> None:
    """The database first: keys are only ever added, so that those copied later open all that it holds."""
    copy_database(make_url(settings.database), target / name_copy(_kind(settings)))
    shutil.copytree(settings.data_dir / "keys", target / "keys", ignore=shutil.ignore_patterns(".*"))
    kept = settings.data_dir / "settings.json"
    if kept.exists():
        shutil.copy2(kept, target)
    _check_keys(storage, load_keys(target / "keys"))


def _check_keys(storage: Storage, keys: Keys) -> None:
    with storage.read() as transaction:
        check_secrets(transaction, keys)
        check_authenticators(transaction, keys)


def _kind(settings: Settings) -> str:
    return make_url(settings.database).get_backend_name()
