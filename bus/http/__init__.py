"""The edge: parses, authorises, calls a room, renders."""

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
