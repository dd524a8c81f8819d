"""Heavy work: what may take long or much memory is done apart from the event loop, with a share for each participant.

Promise: a piece of work ends within its bounds of processor time and memory, or its process is killed. A participant's work
waits behind that participant's own work, and the event loop waits for none of it.
"""

from bus.heavy.errors import HeavyWorkWaits as HeavyWorkWaits
from bus.heavy.errors import TooHeavy as TooHeavy
from bus.heavy.errors import TooMuchAtOnce as TooMuchAtOnce
from bus.heavy.here import Here as Here
from bus.heavy.job import Heavy as Heavy
from bus.heavy.job import Job as Job
from bus.heavy.processes import Bounds as Bounds
from bus.heavy.processes import Processes as Processes
from bus.heavy.slices import Slice as Slice
from bus.heavy.slices import Slices as Slices
from bus.heavy.threads import Steps as Steps
from bus.heavy.threads import Threads as Threads
from bus.heavy.turns import Shares as Shares
from bus.heavy.turns import Turns as Turns
