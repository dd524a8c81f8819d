"""Pulls: a copy of a contract's records on any machine, kept in step with the bus. It imports no room of the server."""

from bus.pull.errors import CopyDiffers, KeyHidden, TargetBusy, TargetFailed, TargetForeign, TargetInvalid
from bus.pull.run import PAUSES, Listener, Pull
from bus.pull.source import Source
from bus.pull.target import Target, open_target

__all__ = [
    "PAUSES",
    "CopyDiffers",
    "KeyHidden",
    "Listener",
    "Pull",
    "Source",
    "Target",
    "TargetBusy",
    "TargetFailed",
    "TargetForeign",
    "TargetInvalid",
    "open_target",
]
