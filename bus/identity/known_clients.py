"""The clients in a process's memory, so that neither a login nor a token has to wait for the database."""

import threading
from typing import Final

from bus.identity.clients import Credentials, read_credentials
from bus.storage import Storage

_DEPARTED: Final = 10_000
"""The most ids of departed clients in memory. Each id comes from a token that the bus signed."""


class KnownClients:
    """The clients that were not revoked at the last `refresh`.

    `get` and `is_departed` are for the event loop. `find` and `refresh` read the database: call them from a thread.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._refreshing = threading.Lock()
        self._standing: dict[str, Credentials] = {}
        self._departed: frozenset[str] = frozenset()

    def refresh(self) -> None:
        """Read the clients from the database again."""
        # One refresh at a time. Otherwise an older reading could replace a newer one.
        with self._refreshing:
            with self._storage.read() as transaction:
                self._standing = read_credentials(transaction)
            self._departed = frozenset()

    def get(self, client_id: str) -> Credentials | None:
        """A client by its id; None if it was unknown or revoked at the last refresh."""
        return self._standing.get(client_id)

    def is_departed(self, client_id: str) -> bool:
        """Whether `note_departed` was called for a client since the last refresh."""
        return client_id in self._departed

    def find(self, client_id: str) -> Credentials | None:
        """A client by its id, also one that was made after the last refresh; None if it is unknown or revoked."""
        known = self._standing.get(client_id)
        if known is not None or not client_id.isprintable():
            # PostgreSQL takes no NUL in a text, SQLite no lone surrogate.
            return known
        with self._storage.read() as transaction:
            return read_credentials(transaction, client_id).get(client_id)

    def note_departed(self, client_id: str) -> None:
        """Remember, until the next refresh, that the client is unknown or revoked."""
        if len(self._departed) < _DEPARTED:
            self._departed |= {client_id}
