"""The edge: reads requests, authorises them, calls a room, and writes answers.

What the room offers: `create_edge`, `create_watch` and `create_operation` make the ASGI applications of a process. `FrontDoor`
serves them on sockets. `Rooms` are the rooms that the edge and its `Pages` for people call. Acts of both are `try_sink`,
`try_document`, `subscribe`, `change_settings`, `check_text`, `register_draft`, `replace_draft`, `approve_version` and
`accept_access`. `Health` and `Check` are for readiness.
"""

from bus.http.acceptance import accept_access
from bus.http.approving import approve_version
from bus.http.checking import check_text
from bus.http.drafting import register_draft, replace_draft
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
    "approve_version",
    "change_settings",
    "check_text",
    "connections_at_once",
    "create_edge",
    "create_operation",
    "create_watch",
    "register_draft",
    "replace_draft",
    "subscribe",
    "try_document",
    "try_sink",
]
