"""What a database may refuse. `sqlite.py` and `postgres.py` translate their drivers' errors into these."""

from bus.problem import Refused, Unavailable


class StorageFull(Refused):
    """The bus has no room left for new events; nothing that was acknowledged is affected."""

    status = 507
    slug = "storage-full"


class StorageUnavailable(Unavailable):
    """The bus's database does not answer; try again."""

    slug = "storage-unavailable"


class RowConflict(Exception):
    """A row breaks a unique key or a reference of its table. The transaction is undone.

    It names no value: a row may hold personal data.
    """


def make_storage_full() -> StorageFull:
    """The refusal for a disk that is full."""
    return StorageFull("The disk of the bus is full; the operator has to make room.")


def make_storage_unavailable() -> StorageUnavailable:
    """The refusal for a database that does not answer."""
    return StorageUnavailable("The database does not answer; try again in some seconds.")
