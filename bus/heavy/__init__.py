"""Heavy work: what may take long or much memory is done apart from the event loop, with a share for each participant.

Promise: a piece of work ends within its bounds of processor time and memory, or its process is killed. A participant's work
waits behind that participant's own work, and the event loop waits for none of it.
"""

from bus.heavy.delay import LoopDelay
from bus.heavy.errors import HeavyWorkWaits, TooHeavy, TooMuchAtOnce
from bus.heavy.here import Here
from bus.heavy.job import Heavy, Job
from bus.heavy.processes import Bounds, Processes
from bus.heavy.slices import Slice, Slices
from bus.heavy.threads import Steps, Threads
from bus.heavy.turns import Shares, Turns

__all__ = [
    "Bounds",
    "Heavy",
    "HeavyWorkWaits",
    "Here",
    "Job",
    "LoopDelay",
    "Processes",
    "Shares",
    "Slice",
    "Slices",
    "Steps",
    "Threads",
    "TooHeavy",
    "TooMuchAtOnce",
    "Turns",
]
