"""One process of the bus: its rooms, its roles, its readiness, and how it starts and drains."""

from bus.process.assembly import make_rooms as make_rooms
from bus.process.assembly import workers as workers
from bus.process.process import Process as Process
from bus.process.process import running as running
from bus.process.role import Role as Role
from bus.process.server import serve as serve
from bus.process.wakeups import Wakeups as Wakeups
