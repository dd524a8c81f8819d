"""Targets of a pull: a file, a folder with a file for each contract, or a database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bus.pull.databases import is_database, open_database
from bus.pull.errors import TargetInvalid
from bus.pull.files import find_file, open_file
from bus.pull.store import Store


@dataclass(frozen=True, slots=True)
class Target:
    """Where a copy goes, locked for one pull.

    Attributes:
        store: the copy.
        write: brings the target to the copy's state.
        check: raises `CopyDiffers` if somebody else changed what `write` wrote.
    """

    store: Store
    write: Callable[[], None]
    check: Callable[[], None]


@contextmanager
def open_target(target: str, contract: str) -> Iterator[Target]:
    """The target that a user names.

    Raises:
        TargetBusy: another pull has it.
        TargetFailed: it cannot be opened.
        TargetForeign: it holds something else.
        TargetInvalid: it is neither a folder, nor a file with a known ending, nor a database's URL.
    """
    if is_database(target):
        with open_database(target, contract) as store:
            # A pull's transactions write the database itself.
            yield Target(store, _do_nothing, _do_nothing)
        return
    if "://" in target:
        raise TargetInvalid(
            "Name a file, a folder, or a database as sqlite:///copy.db or postgresql://user:password@host/database."
        )
    with open_file(find_file(Path(target), contract), contract) as (store, file):
        yield Target(store, file.write, file.check)


def _do_nothing() -> None:
    """Stand for what a database needs not."""
