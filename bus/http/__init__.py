"""The edge: reads requests, authorises them, calls a room, and writes answers.

What the room offers: `create_edge`, `create_watch` and `create_operation` make the ASGI applications of a process. `FrontDoor`
serves them on sockets. `Rooms` are the rooms that the edge calls. `Health` and `Check` are for readiness.
"""

from bus.http.edge import create_edge, create_operation, create_watch
from bus.http.front_door import Acquaintances, FrontDoor, connections_at_once
from bus.http.health import Check, Health
from bus.http.rooms import Rooms
from bus.http.waiting import WaitingReaders

__all__ = [
    "Acquaintances",
    "Check",
    "FrontDoor",
    "Health",
    "Rooms",
    "WaitingReaders",
    "connections_at_once",
    "create_edge",
    "create_operation",
    "create_watch",
]
