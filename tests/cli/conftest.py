"""What holds for all tests of commands."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command that serves sends logs to the test's own output, which is closed after the test."""
    yield
    structlog.reset_defaults()
