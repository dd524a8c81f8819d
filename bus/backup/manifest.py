"""The manifest: says what a back-up holds, so that a broken or a foreign one is known before anything is restored."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bus import json
from bus.backup.errors import RestoreRefused
from bus.backup.files import digest_file

MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a back-up holds.

    Attributes:
        made_at: RFC 3339, in UTC.
        bus_version: of the program that made it.
        schema: the last migration of its database.
        database: `sqlite` or `postgresql`.
        last_position: of the journal, as it was when the back-up began. The copy holds it, and may hold later events.
        is_encrypted: each file is encrypted for a recipient (age).
        files: the SHA-256 of each file, in hexadecimal, by its name in the folder.
    """

    made_at: str
    bus_version: str
    schema: str
    database: str
    last_position: int
    is_encrypted: bool
    files: Mapping[str, str]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of the back-up in a folder."""
    (folder / MANIFEST).write_text(json.dump_pretty({"format": _FORMAT, **asdict(manifest)}) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the back-up in a folder.

    Raises:
        RestoreRefused: there is no back-up, or a later version of the bus made it.
    """
    try:
        document = json.loads((folder / MANIFEST).read_bytes())
        if document.pop("format") != _FORMAT:
            raise RestoreRefused(
                f"The back-up in {folder} has a form that this version does not know; install a later one."
            )
        return Manifest(**document)
    except OSError as error:
        raise RestoreRefused(f"There is no back-up in {folder}: cannot read {MANIFEST}: {error.strerror}.") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise RestoreRefused(f"{folder / MANIFEST} is damaged; take another copy of this back-up.") from None


def check_files(folder: Path, manifest: Manifest) -> None:
    """Refuse a back-up of which a file is missing or differs from what was written.

    Raises:
        RestoreRefused: it names the file.
    """
    for name, digest in manifest.files.items():
        try:
            found = digest_file(folder / name)
        except OSError as error:
            raise RestoreRefused(f"The back-up is not whole: cannot read {name}: {error.strerror}.") from None
        if found != digest:
            raise RestoreRefused(f"{name} is not as it was written; take another copy of this back-up.")
