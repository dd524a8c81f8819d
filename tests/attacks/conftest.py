"""The fixtures of the attacks."""

from tests.services.fixtures import broker, database, make_bus, receiver

__all__ = ["broker", "database", "make_bus", "receiver"]
