"""Back-ups: a bus's database, keys and settings in one folder, and a bus made from such a folder."""

from bus.backup.errors import BackupFailed, BackupRefused, RestoreRefused, RestoreUnfinished
from bus.backup.make import BackedUp, make_backup
from bus.backup.manifest import Manifest, read_manifest
from bus.backup.restore import note_restored, restore_backup

__all__ = [
    "BackedUp",
    "BackupFailed",
    "BackupRefused",
    "Manifest",
    "RestoreRefused",
    "RestoreUnfinished",
    "make_backup",
    "note_restored",
    "read_manifest",
    "restore_backup",
]
