"""Heavy work: work that may take long or need much memory runs apart from the event loop.

Promise: a job ends within its bounds of processor time and memory, or its process is killed. Each participant has a share, so
its jobs mostly wait behind its own. The event loop waits for no job.
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
