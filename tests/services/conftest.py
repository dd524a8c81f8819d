"""The fixtures of the service tests."""

from tests.services.fixtures import broker, make_bus, receiver

__all__ = ["broker", "make_bus", "receiver"]
