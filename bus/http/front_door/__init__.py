"""The front door: owns every connection from its first byte to its last, and bounds what each may take.

Other rooms use `FrontDoor` alone. Why it is the bus's own: docs/decisions/front-door.md.
"""

from bus.http.front_door.door import FrontDoor

__all__ = ["FrontDoor"]
