"""The clients that a process knows: in memory, so that neither a login nor a token waits for the database."""

import threading
from typing import Final

from bus.identity.participants import Credentials, read_credentials
from bus.storage import Storage

_DEPARTED: Final = 10_000
"""Ids of departed clients that are remembered; each comes out of a token that the bus signed."""


class KnownClients:
    """The clients that are not revoked, as of the last `refresh`.

    `get` and `is_departed` are for the event loop; `find` and `refresh` read the database and belong in a thread.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._refreshing = threading.Lock()
        self._standing: dict[str, Credentials] = {}
        self._departed: frozenset[str] = frozenset()

    def refresh(self) -> None:
        """Read the clients again."""
        # One at a time: else an older reading could replace a newer one, and stay.
        with self._refreshing:
            with self._storage.read() as transaction:
                self._standing = read_credentials(transaction)
            self._departed = frozenset()

    def get(self, client_id: str) -> Credentials | None:
        """A client that was known at the last refresh."""
        return self._standing.get(client_id)

    def is_departed(self, client_id: str) -> bool:
        """Whether `find` looked for a client, since the last refresh, and there was none."""
        return client_id in self._departed

    def find(self, client_id: str) -> Credentials | None:
        """A client, looked for in the database when it is not known yet: others may have made it since."""
        known = self._standing.get(client_id)
        if known is not None or not client_id.isprintable():
            # PostgreSQL takes no NUL in a text, SQLite no lone surrogate.
            return known
        with self._storage.read() as transaction:
            return read_credentials(transaction, client_id).get(client_id)

    def note_departed(self, client_id: str) -> None:
        """Remember, until the next refresh, that there is no such client."""
        if len(self._departed) < _DEPARTED:
            self._departed |= {client_id}
