"""Roles: the kinds of work that a process of the bus may do."""

from enum import StrEnum


class Role(StrEnum):
    """A kind of work of a process."""

    API = "api"
    RELAY = "relay"
    WORKER = "worker"
    ADAPTERS = "adapters"
