"""The front door: owns every connection from its first byte to its last, and bounds what each may take.

Other rooms use `FrontDoor` and `connections_at_once`. Why it is the bus's own: docs/decisions/front-door.md.
"""

from bus.http.front_door.door import FrontDoor, connections_at_once

__all__ = ["FrontDoor", "connections_at_once"]
