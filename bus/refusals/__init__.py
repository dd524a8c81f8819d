"""Refusals: counts of events that the gate refused, by contract, sender, rule and place; and the rows set aside of polls.

A refusal holds no value, and no name that the sender chose. A row set aside shows its key beside that.
"""

from bus.refusals.log import Alert, CountedRefusal, RefusalLog, RefusedCount
from bus.refusals.recent import RefusedEvent
from bus.refusals.recorder import Recorder
from bus.refusals.set_aside import (
    MOST_SET_ASIDE,
    Aside,
    Attempt,
    BrokenRule,
    ListedAside,
    Poll,
    SetAside,
    count_asides,
    drop_asides,
    find_attempts,
    find_kept,
    is_due,
    list_broken,
    put_aside,
)
from bus.refusals.sums import RefusedSum, sum_refused

__all__ = [
    "MOST_SET_ASIDE",
    "Alert",
    "Aside",
    "Attempt",
    "BrokenRule",
    "CountedRefusal",
    "ListedAside",
    "Poll",
    "Recorder",
    "RefusalLog",
    "RefusedCount",
    "RefusedEvent",
    "RefusedSum",
    "SetAside",
    "count_asides",
    "drop_asides",
    "find_attempts",
    "find_kept",
    "is_due",
    "list_broken",
    "put_aside",
    "sum_refused",
]
