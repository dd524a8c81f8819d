"""Attacks meet the bus on the event loop that it runs on, or in processes of its own.

An attack that takes long in each round has the marker `stress` and stays out of the suite: documents whose comparison takes
seconds, batches of megabytes, and further forms of an attack of which the suite has one. `make attacks` runs them.
"""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.a_bus import Bus
from tests.builders import OWNER, a_document
from tests.services.fixtures import broker, database, make_bus, receiver

__all__ = ["broker", "database", "make_bus", "receiver"]


@pytest.fixture
async def authorization(bus: Bus) -> str:
    """A publisher, whose token the bus knows already."""
    bus.apply(a_document())
    authorization = bus.token(OWNER, "events.publish", "events.read", "contracts.write")
    await asyncio.to_thread(bus.rooms.tokens.verify, authorization.encode())
    return authorization


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop's transports differ from asyncio's, which every other test uses."""
    return {"uvloop": uvloop.new_event_loop}
