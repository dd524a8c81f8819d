"""Reads what an adapter logs while a test runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Collector(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{self.format(record)} {record.__dict__}")


@contextmanager
def read_logs() -> Iterator[list[str]]:
    """The lines that are logged at INFO and above, until the block ends."""
    lines: list[str] = []
    root, handler = logging.getLogger(), _Collector(lines)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
