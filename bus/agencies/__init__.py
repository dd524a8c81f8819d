"""Agencies: finds adapters by entry point, polls them, and puts questions to them."""

from bus.agencies.poller import Poller
from bus.agencies.queries import Queries
from bus.agencies.registry import Agencies, bindings, mapped_fields

__all__ = [
    "Agencies",
    "Poller",
    "Queries",
    "bindings",
    "mapped_fields",
]
