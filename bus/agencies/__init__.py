"""Agencies: finds adapters by entry point, polls them, and asks them questions."""

from bus.agencies.holding import TOPIC, Holds, NoSuchAgency, NothingHeld, PollReport
from bus.agencies.memory import Held
from bus.agencies.poller import Poller
from bus.agencies.queries import Queries
from bus.agencies.registry import Agencies, find_adapters, find_installed, list_mapped_fields, make_bindings

__all__ = [
    "TOPIC",
    "Agencies",
    "Held",
    "Holds",
    "NoSuchAgency",
    "NothingHeld",
    "PollReport",
    "Poller",
    "Queries",
    "find_adapters",
    "find_installed",
    "list_mapped_fields",
    "make_bindings",
]
