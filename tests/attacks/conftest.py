"""Attacks meet the bus on the event loop that it runs on, or in processes of its own."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop

from tests.services.fixtures import broker, database, make_bus, receiver

__all__ = ["broker", "database", "make_bus", "receiver"]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop's transports differ from asyncio's, which every other test uses."""
    return {"uvloop": uvloop.new_event_loop}
