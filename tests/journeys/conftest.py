"""Journeys run on the same fixtures as the service tests."""

import pytest

from tests.services.fixtures import broker, database, make_bus, receiver

__all__ = ["broker", "database", "make_bus", "receiver"]

# So that a failure shows what differs.
pytest.register_assert_rewrite("tests.journeys.verdict")
