"""A bus with an agency, and a participant that asks it."""

import httpx
import pytest

from bus.agencies.asking import QueryPolicy
from tests.a_bus import Bus
from tests.an_agency import AnAdapter, join
from tests.http.api.queries.a_query import ANSWER


@pytest.fixture
def adapter() -> AnAdapter:
    return AnAdapter(ANSWER)


@pytest.fixture
async def desk(bus: Bus, adapter: AnAdapter) -> Bus:
    """A bus with the agency. It asks at most two questions at once, each for half a second at most."""
    join(bus, adapter, QueryPolicy(seconds=0.5, concurrency=2))
    return bus


@pytest.fixture
def http(desk: Bus) -> httpx.AsyncClient:
    return desk.reader("dinkes", "queries.call")
