"""How SQLite means to find the rows of statements: what it would read from end to end, or by less of an index than there is."""

import re
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
    engines = storage.database.engines
    for engine in engines:
        event.listen(engine, "connect", watch)
    try:
        act()
    finally:
        for engine in engines:
            event.remove(engine, "connect", watch)
        for connection in connected:
            connection.set_trace_callback(None)
    return [step for sql in asked if _is_planned(sql) for step in explained(storage, sql)]


def _is_planned(sql: str) -> bool:
    return sql.startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE"))


def explained(storage: Storage, sql: str) -> list[str]:
    """The steps of a statement's query plan; its parameters may be left open."""
    connection = sqlite3.connect(Path(str(storage.database.engines[0].url.database)))
    open_parameters = dict.fromkeys(re.findall(r":(\w+)", sql), 0)
    steps = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", open_parameters)]
    connection.close()
    return steps
