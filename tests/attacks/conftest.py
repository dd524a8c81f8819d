"""Attacks meet the bus on the event loop that it runs on, or in processes of its own."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.services.fixtures import broker, database, make_bus, receiver

__all__ = ["broker", "database", "make_bus", "receiver"]


_STRESS = frozenset(
    {"test_disclosures", "test_heavy", "test_limits", "test_logins", "test_many_subscriptions", "test_sinks"}
)
"""Files that measure an innocent beside an attack."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the attacks that need a machine that does nothing else."""
    for item in items:
        if item.path.parent.name == "attacks" and item.path.stem in _STRESS:
            item.add_marker("stress")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop's transports differ from asyncio's, which every other test uses."""
    return {"uvloop": uvloop.new_event_loop}
