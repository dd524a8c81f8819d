"""How SQLite means to find the rows of statements: what it would read from end to end, or by less of an index than there is."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bus.storage import Storage


def plans(storage: Storage, act: Callable[[], Any]) -> list[str]:
    """The steps of the query plans of what `act` asks of the database."""
    asked: list[str] = []
    connected: list[sqlite3.Connection] = []

    def watch(connection: sqlite3.Connection, *_: Any) -> None:
        connection.set_trace_callback(asked.append)
        connected.append(connection)

    storage.close()
    engines = {storage.engine, storage.writing_engine}
    for engine in engines:
        event.listen(engine, "connect", watch)
    try:
        act()
    finally:
        for engine in engines:
            event.remove(engine, "connect", watch)
        for connection in connected:
            connection.set_trace_callback(None)
    return [
        step for sql in asked if _is_planned(sql) for step in _explained(Path(str(storage.engine.url.database)), sql)
    ]


def _is_planned(sql: str) -> bool:
    return sql.startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE"))


def _explained(database: Path, sql: str) -> list[str]:
    connection = sqlite3.connect(database)
    steps = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    connection.close()
    return steps
