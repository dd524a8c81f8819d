"""Publishing in batches of 500, against the least that any store does with the same bytes: parse, insert, commit."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from bench import load
from bench.events import documents, request
from bench.processes import ALL_CORES, on_cores
from bench.ratio import Ratio, in_turns
from bench.site import Site
from bus import json

SIZE: Final = 500
_CONNECTIONS: Final = {1: 4, 2: 16}
"""In flight, by processes of the API: among which chance deals them out."""
_MOST: Final = 400
"""Batches made before the clock runs, for one measurement: making them costs the load generator more than sending them."""


async def batches(folder: Path, rounds: int, seconds: float) -> Sequence[Ratio]:
    """In one process, and with one for each core that takes batches in; all of them may use every core, the loop too."""
    return [await _batches(folder, processes, rounds, seconds) for processes in _CONNECTIONS]


async def _batches(folder: Path, processes: int, rounds: int, seconds: float) -> Ratio:
    site = Site.make(folder / f"batches{processes}")
    database = _database(folder / f"plain{processes}.db")
    with site.running(cores=ALL_CORES, api_processes=processes) as bus:

        async def published() -> float:
            made = [request(body, bus.authorization, "application/cloudevents-batch+json") for body in _made()]
            sample = await load.closed_loop(bus.port, iter(made), _CONNECTIONS[processes], seconds)
            return sample.rate * SIZE

        async def inserted() -> float:
            with on_cores(ALL_CORES):
                return _insert(database, _made(), seconds)

        rates = await in_turns({"bus": published, "plain": inserted}, rounds)
    what = f"publish in batches of {SIZE}, {processes} process{'es' if processes > 1 else ''}"
    return Ratio(what, "parse, multi-row insert, commit in a loop", rates["bus"], rates["plain"], 0.5)


def _made() -> list[bytes]:
    events = documents()
    return [b"[%b]" % b",".join(islice(events, SIZE)) for _ in range(_MOST)]


def _database(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events (position INTEGER PRIMARY KEY, id TEXT, body BLOB)")
    return connection


def _insert(database: sqlite3.Connection, made: Sequence[bytes], seconds: float) -> float:
    begin, count = time.perf_counter(), 0
    batches: Iterator[bytes] = iter(made)
    places = ",".join(["(?,?)"] * SIZE)
    while (took := time.perf_counter() - begin) < seconds and (batch := next(batches, None)) is not None:
        values = [value for event in json.loads(batch) for value in (event["id"], json.dumps(event))]
        database.execute("BEGIN IMMEDIATE")
        database.execute(f"INSERT INTO events (id, body) VALUES {places}", values)
        database.execute("COMMIT")
        count += SIZE
    return count / took
