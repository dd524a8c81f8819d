"""What service tests and journeys share: a receiver of webhooks, a scratch broker, buses of their own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bus.delivery.handover import BrokerAddress
from tests.services.receiver import Receiver, a_receiver
from tests.services.running import Bus, a_bus
from tests.services.servers import a_scratch_broker, a_scratch_database

MakeBus = Callable[..., Bus]


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """A server of sinks; ask it for a sink of your own name."""
    with a_receiver() as receiver:
        yield receiver


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of a PostgreSQL database of this test's own."""
    with a_scratch_database() as url:
        yield url


@pytest.fixture
def broker() -> Iterator[BrokerAddress]:
    """RabbitMQ, with a prefix of this test's own."""
    with a_scratch_broker() as address:
        yield address


@pytest.fixture
def make_bus(tmp_path: Path) -> Iterator[MakeBus]:
    """`make_bus(database="", broker=…, **settings)`: a bus whose processes end with the test.

    Ask for it after `database` and `broker`: they are cleared once nobody works on them any more.
    """
    with ExitStack() as stack:
        yield lambda *given, **settings: stack.enter_context(a_bus(tmp_path, *given, **settings))
