"""Agencies: finds adapters by entry point, polls them, and asks them questions."""

from bus.agencies.poller import Poller
from bus.agencies.queries import Queries
from bus.agencies.registry import Agencies, list_mapped_fields, make_bindings

__all__ = [
    "Agencies",
    "Poller",
    "Queries",
    "list_mapped_fields",
    "make_bindings",
]
