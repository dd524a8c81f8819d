"""The open circuits of questions in the database, so that every process tells them, and the command line too."""

from typing import Final

import sqlalchemy as sa

from bus import clock
from bus.agencies.tables import AGENCY_CIRCUITS
from bus.ids import new_id
from bus.storage import Storage

_LATE_MICROS: Final = 300_000_000
"""How long after its end a circuit is still told as open: the process waits for a question that tries the agency."""
_FORGOTTEN_MICROS: Final = 3_600_000_000
"""How long after its end a circuit is kept. The process that opened it has ended."""
_OPEN: Final = sa.text("""
    INSERT INTO agency_circuits (process, agency, until) VALUES (:process, :agency, :until)
    ON CONFLICT (process, agency) DO UPDATE SET until = excluded.until
""")


class OpenCircuits:
    """Tells of the open circuits of all processes. Synchronous: call it from threads.

    Args:
        storage: the database.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._process = new_id("process")

    def tell(self, agency: str, seconds: float | None) -> None:
        """Tell the other processes how this process's circuit to an agency stands.

        Args:
            agency: the adapter's name.
            seconds: how long it stays open; None: it is closed.

        Raises:
            Unavailable, StorageFull: the database takes nothing now.
        """
        now, table = clock.now_micros(), AGENCY_CIRCUITS.c
        with self._storage.write(durable=False) as transaction:
            if seconds is None:
                mine = table.process == self._process, table.agency == agency
                transaction.execute(sa.delete(AGENCY_CIRCUITS).where(*mine))
                return
            until = now + round(seconds * 1_000_000)
            transaction.execute(_OPEN, {"process": self._process, "agency": agency, "until": until})
            transaction.execute(sa.delete(AGENCY_CIRCUITS).where(table.until < now - _FORGOTTEN_MICROS))

    def list(self) -> frozenset[str]:
        """The agencies that a process leaves in peace, or left in peace less than five minutes ago without an answer since."""
        table = AGENCY_CIRCUITS.c
        with self._storage.read() as transaction:
            rows = transaction.rows(sa.select(table.agency).where(table.until > clock.now_micros() - _LATE_MICROS))
        return frozenset(row.agency for row in rows)
