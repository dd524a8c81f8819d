"""What the disk gives: commits a second of one small row, one after the other; the floor under every acknowledgement."""

import sqlite3
import time
from pathlib import Path


def commit_seconds(folder: Path, commits: int = 200) -> float:
    """How long one durable commit takes with nothing else in it."""
    connection = sqlite3.connect(folder / "commits.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE row (body BLOB)")
    begin = time.perf_counter()
    for _ in range(commits):
        connection.execute("INSERT INTO row VALUES (zeroblob(1000))")
    took = time.perf_counter() - begin
    connection.close()
    return took / commits
