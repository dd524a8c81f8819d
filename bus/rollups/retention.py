"""Retention: how long counts are kept, and the deletion of older ones in small steps."""

from datetime import datetime
from typing import Final

from bus import clock
from bus.journal import MINUTE
from bus.rollups import statements
from bus.rollups.flow import Span
from bus.storage import Storage

KEPT_MINUTES: Final = 2 * 24 * 60
"""Two days."""
KEPT_HOURS: Final = 397 * 24
"""Thirteen months."""
_STEP: Final = 10
"""Spans of each kind that one transaction deletes."""


def forget_some(storage: Storage, now: datetime) -> int:
    """Delete some of the counts that are older than they are kept, and return how many."""
    minute = clock.micros(now) // MINUTE
    before = {Span.MINUTE: minute - KEPT_MINUTES, Span.HOUR: minute // 60 - KEPT_HOURS}
    with storage.write(durable=False) as transaction:
        return sum(
            transaction.execute(statements.FORGET[span], {"before": before[span], "most": _STEP}) for span in Span
        )
