"""What the tests of the console share."""

import pytest

from tests.a_bus import Bus
from tests.console.a_console import Console


@pytest.fixture
def console(bus: Bus) -> Console:
    return Console(bus)
