"""What a piece of work asks of the database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from bus.storage import Storage


@contextmanager
def asked(storage: Storage) -> Iterator[list[tuple[str, Sequence[Any]]]]:
    """The statements of the block with their parameters, as they come; without those that begin and end transactions."""
    statements: list[tuple[str, Sequence[Any]]] = []

    def watch(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append((statement, list(parameters)))

    engines = storage.database.engines
    for engine in engines:
        event.listen(engine, "before_cursor_execute", watch)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", watch)
