"""Handover: brings runs from the relay to the workers, within one process or through a broker.

This is the room's door: other modules import from here and not from the modules behind it.
"""

from bus.delivery.handover.broker import Broker, BrokerAddress, ChangesBell, find_broker, ring_once
from bus.delivery.handover.here import Here
from bus.delivery.handover.reach import Reach, look_for
from bus.delivery.handover.run import Handover, Loaded, Received, Receiver

__all__ = [
    "Broker",
    "BrokerAddress",
    "ChangesBell",
    "Handover",
    "Here",
    "Loaded",
    "Reach",
    "Received",
    "Receiver",
    "find_broker",
    "look_for",
    "ring_once",
]
