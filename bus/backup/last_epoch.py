"""The number of the last epoch, in the data folder: a restore of the database does not undo it.

Promise: two restores with one data folder never share an epoch, however soon one follows the other.
"""

import os
from pathlib import Path
from typing import Final

from bus.backup.errors import RestoreRefused
from bus.journal import begin_epoch
from bus.storage import Transaction

_NAME: Final = "epoch"


def begin_next_epoch(transaction: Transaction, data_dir: Path) -> None:
    """Begin an epoch, with a number that no earlier restore in this folder had.

    Raises:
        RestoreRefused: the file with the last number is broken.
    """
    number = begin_epoch(transaction, last=_read(data_dir / _NAME))
    if number is not None:
        # Before the commit: a number that is lost does no harm, and a number that comes twice does.
        _write(data_dir / _NAME, number)


def _read(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0
    except ValueError:
        raise RestoreRefused(f"{file} does not hold a number; delete it if no restore was made today.") from None


def _write(file: Path, number: int) -> None:
    written = file.with_suffix(".new")
    with written.open("w", encoding="ascii") as opened:
        opened.write(f"{number}\n")
        opened.flush()
        os.fsync(opened.fileno())
    written.replace(file)
