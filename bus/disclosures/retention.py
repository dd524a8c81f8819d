"""Retention: deletes disclosures that are older than the operator keeps them, in small steps."""

import asyncio
from datetime import datetime
from typing import Final

import sqlalchemy as sa
import structlog

from bus import clock
from bus.actions import Action, Channel, Object, Verb, identify_operator, note
from bus.disclosures import statements
from bus.disclosures.positions import unpack_positions
from bus.disclosures.stretches import cut_stretches
from bus.disclosures.tables import DISCLOSURES, STRETCHES
from bus.problem import Unavailable
from bus.storage import Storage, StorageFull, Transaction

log = structlog.get_logger(__name__)

_DAY: Final = 24 * 3600 * 1_000_000
_STEP: Final = 50
"""Rows that one transaction deletes. A row may have many stretches, and others wait for the transaction."""
_PAUSE_SECONDS: Final = 0.05
_LOOK_SECONDS: Final = 60.0

_DELETE_STRETCH: Final = sa.delete(STRETCHES).where(
    *(
        STRETCHES.c[name] == sa.bindparam(f"of_{name}")
        for name in ("block", "first_position", "last_position", "disclosure_id")
    )
)
_DELETE: Final = sa.delete(DISCLOSURES).where(DISCLOSURES.c.id == sa.bindparam("of_id"))


class Retention:
    """Deletes disclosures by age."""

    def __init__(self, storage: Storage, days: int) -> None:
        """`days`: how long a disclosure is kept after its day (UTC) has ended."""
        self._storage = storage
        self._days = days

    def forget_some(self, now: datetime) -> int:
        """Delete some of the old disclosures, the oldest first, and return how many. Call it from a thread."""
        # Rows that are lost with a power failure's last commit are deleted again.
        with self._storage.write(durable=False) as transaction:
            return _delete_some(transaction, clock.micros(now) // _DAY - self._days)

    async def follow(self) -> None:
        """Delete old disclosures until cancelled."""
        while True:
            forgotten = 0
            try:
                while some := await asyncio.to_thread(self.forget_some, clock.now()):
                    forgotten += some
                    await asyncio.sleep(_PAUSE_SECONDS)
            except (Unavailable, StorageFull):
                log.warning("disclosures.not_forgotten")
            if forgotten:
                await asyncio.to_thread(self._tell, forgotten)
            await asyncio.sleep(_LOOK_SECONDS)

    def _tell(self, forgotten: int) -> None:
        log.info("disclosures.forgotten", rows=forgotten, days=self._days)
        details = {"rows": forgotten, "days": self._days}
        by = identify_operator(Channel.PROCESS)
        try:
            with self._storage.write() as transaction:
                note(transaction, Action(Verb.DISCLOSURES_FORGET, by, Object("bus", "disclosures"), details=details))
        except (Unavailable, StorageFull):
            log.warning("disclosures.deletion_not_noted", rows=forgotten)


def _delete_some(transaction: Transaction, day: int) -> int:
    rows = transaction.rows(statements.OLD, {"day": day, "limit": _STEP})
    if not rows:
        return 0
    stretches = [
        {
            "of_block": one.block,
            "of_first_position": one.first,
            "of_last_position": one.last,
            "of_disclosure_id": number,
        }
        for number, positions, unsent in rows
        for one in cut_stretches(sorted(unpack_positions(positions) + unpack_positions(unsent)))
    ]
    if stretches:
        transaction.execute(_DELETE_STRETCH, stretches)
    transaction.execute(_DELETE, [{"of_id": row[0]} for row in rows])
    return len(rows)
