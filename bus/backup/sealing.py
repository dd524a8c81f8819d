"""Encryption of back-ups for a recipient, in the format of age (age-encryption.org/v1), which other tools read too."""

from pathlib import Path
from typing import Final

import pyrage

from bus.backup.errors import BackupRefused, RestoreRefused

ENDING: Final = ".age"
_IDENTITY: Final = "AGE-SECRET-KEY-"


def read_recipient(text: str) -> pyrage.x25519.Recipient:
    """The recipient that a public key of age names.

    Raises:
        BackupRefused: it is no such key.
    """
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise BackupRefused("A recipient is a public key of age, `age1…`; `age-keygen` makes one.") from None


def seal_folder(folder: Path, target: Path, recipient: pyrage.x25519.Recipient) -> None:
    """Write each file of a folder to another folder, encrypted, with `.age` behind its name."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        sealed = target / (str(path.relative_to(folder)) + ENDING)
        sealed.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        pyrage.encrypt_file(str(path), str(sealed), [recipient])


def read_identity(path: Path) -> pyrage.x25519.Identity:
    """The private key in a file, as `age-keygen` writes it.

    Raises:
        RestoreRefused: the file has none.
    """
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
        return pyrage.x25519.Identity.from_str(next(line for line in lines if line.startswith(_IDENTITY)))
    except (OSError, StopIteration, UnicodeDecodeError, pyrage.IdentityError):
        raise RestoreRefused(f"{path} holds no private key of age (`{_IDENTITY}…`).") from None


def open_folder(folder: Path, target: Path, identity: pyrage.x25519.Identity) -> None:
    """Write each encrypted file of a folder to another folder, decrypted.

    Raises:
        RestoreRefused: the files were encrypted for another recipient.
    """
    for path in folder.rglob("*" + ENDING):
        opened = target / str(path.relative_to(folder)).removesuffix(ENDING)
        opened.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            pyrage.decrypt_file(str(path), str(opened), [identity])
        except pyrage.DecryptError:
            raise RestoreRefused("This private key does not open the back-up; it was made for another one.") from None
