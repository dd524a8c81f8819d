"""The errors of the database. `sqlite.py` and `postgres.py` translate their drivers' errors into these errors."""

from bus.problem import Refused, Unavailable


class StorageFull(Refused):
    """The bus has no disk space left for new data. Data that it acknowledged are safe."""

    status = 507
    slug = "storage-full"


class StorageUnavailable(Unavailable):
    """The database of the bus does not answer; try again later."""

    slug = "storage-unavailable"


class RowConflict(Exception):
    """A row breaks a unique key or a reference of its table. The transaction is undone.

    The error names no value, since a row may hold personal data.
    """


def make_storage_full() -> StorageFull:
    """The refusal when the disk is full."""
    return StorageFull("The disk of the bus is full. Try again after the operator has made room.")


def make_storage_unavailable() -> StorageUnavailable:
    """The refusal when the database does not answer."""
    return StorageUnavailable("The database does not answer. Try again in some seconds.")
