"""Refusals: what the gate refused, counted by contract, sender, rule and place; never a value or a name from the sender."""

from bus.refusals.log import Alert, Found, RefusalLog
from bus.refusals.recorder import Recorder

__all__ = [
    "Alert",
    "Found",
    "Recorder",
    "RefusalLog",
]
