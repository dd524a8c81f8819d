"""The states of a delivery."""

from enum import IntEnum


class DeliveryState(IntEnum):
    """The life of a delivery."""

    PENDING = 0
    DELIVERED = 1
    DEAD = 2
    """Waits until somebody redrives or discards it."""
    DISCARDED = 3
