"""Roles: what a process of the bus does."""

from enum import StrEnum


class Role(StrEnum):
    """What a process does."""

    API = "api"
    RELAY = "relay"
    WORKER = "worker"
    ADAPTERS = "adapters"
