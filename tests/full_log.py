"""A log that cannot be written, as when the disk behind standard error is full."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import structlog


def _fail(*_: Any) -> NoReturn:
    raise OSError("disk full")


@contextmanager
def a_full_log() -> Iterator[None]:
    """Have every line of the log fail while the block runs."""
    processors: list[Any] = structlog.get_config()["processors"]
    usual = processors.copy()
    # In place, as `structlog.testing.capture_logs` does: loggers keep this list.
    processors[:] = [_fail]
    try:
        yield
    finally:
        processors[:] = usual
