"""Agencies: finds adapters by entry point and in the register of documents, polls them, and asks them questions."""

from bus.agencies.holding import TOPIC, Holds, NoSuchAgency, NothingHeld, PollReport
from bus.agencies.memory import Held
from bus.agencies.offers import Declared, list_mapped_fields, list_names, make_bindings, none_declared, read_declared
from bus.agencies.poller import Poller
from bus.agencies.queries import Queries
from bus.agencies.registry import AdapterOff, Agencies, find_adapters, find_installed, list_coded, list_shipped

__all__ = [
    "TOPIC",
    "AdapterOff",
    "Agencies",
    "Declared",
    "Held",
    "Holds",
    "NoSuchAgency",
    "NothingHeld",
    "PollReport",
    "Poller",
    "Queries",
    "find_adapters",
    "find_installed",
    "list_coded",
    "list_mapped_fields",
    "list_names",
    "list_shipped",
    "make_bindings",
    "none_declared",
    "read_declared",
]
