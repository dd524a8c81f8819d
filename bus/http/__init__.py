"""The edge: reads requests, authorises them, calls a room, and writes answers.

What the room offers: `create_edge`, `create_watch` and `create_operation` make the ASGI applications of a process. `FrontDoor`
serves them on sockets. `Rooms` are the rooms that the edge and its `Pages` for people call. `try_sink`,
`try_document`, `subscribe`, `change_settings` and `accept_access` are acts of both. `Health` and `Check` are for readiness.
"""

from bus.http.acceptance import accept_access
from bus.http.edge import Edge, create_edge, create_operation, create_watch
from bus.http.front_door import Acquaintances, FrontDoor, connections_at_once
from bus.http.health import Check, Health
from bus.http.pages import Pages
from bus.http.rooms import Rooms, TheRooms
from bus.http.subscribing import change_settings, subscribe
from bus.http.trial import try_sink
from bus.http.trying import try_document
from bus.http.waiting import WaitingReaders

__all__ = [
    "Acquaintances",
    "Check",
    "Edge",
    "FrontDoor",
    "Health",
    "Pages",
    "Rooms",
    "TheRooms",
    "WaitingReaders",
    "accept_access",
    "change_settings",
    "connections_at_once",
    "create_edge",
    "create_operation",
    "create_watch",
    "subscribe",
    "try_document",
    "try_sink",
]
