"""Refusals: counts of events that the gate refused, by contract, sender, rule and place.

A refusal holds no value, and no name that the sender chose.
"""

from bus.refusals.log import Alert, Found, RefusalLog
from bus.refusals.recent import RefusedEvent
from bus.refusals.recorder import Recorder

__all__ = [
    "Alert",
    "Found",
    "Recorder",
    "RefusalLog",
    "RefusedEvent",
]
