"""One process of the bus: its rooms, its roles, its readiness, and how it starts and drains.

What the room offers: `serve` runs a process until a signal; `run_process` runs its parts without a server. `make_rooms` and
`make_workers` make its rooms and its worker processes. `Role` says what a process does. `Wakeups` tells its parts of news.
"""

from bus.process.assembly import make_rooms as make_rooms
from bus.process.assembly import make_workers as make_workers
from bus.process.process import Process as Process
from bus.process.process import run_process as run_process
from bus.process.role import Role as Role
from bus.process.server import serve as serve
from bus.process.wakeups import Wakeups as Wakeups
