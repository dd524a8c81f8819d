"""The front door: owns every connection from its first byte to its last, and bounds what each may take.

Other rooms use `FrontDoor`, `Acquaintances` and `connections_at_once`. Why it is the bus's own: docs/decisions/front-door.md.
"""

from bus.http.front_door.acquaintances import Acquaintances
from bus.http.front_door.door import FrontDoor, connections_at_once

__all__ = ["Acquaintances", "FrontDoor", "connections_at_once"]
