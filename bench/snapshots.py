"""A whole snapshot as lines, against the same records read by the same SQL and joined; and by how much the process grows."""

import asyncio
import http.client
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Final

from bench.events import CONTRACT, ROADS, ROADS_CONSUMER, ROADS_PRODUCER
from bench.journal import await_relay, fill
from bench.processes import SERVER_CORE, memory, on_cores
from bench.ratio import Difference, Ratio, in_turns
from bench.site import Running, Site
from bus.cli.workspace import open_workspace
from bus.journal.statements import RECORD_LINES

_MOST: Final = 50
"""MB by which the process may grow."""
_FETCHED: Final = 1000
_READ: Final = 1024 * 1024


async def snapshots(folder: Path, rounds: int, seconds: float, events: int) -> Sequence[Ratio]:
    """Of records that the consumer sees whole, and of personal data, whose disclosures are on disk first."""
    roads = Site.make(folder / "roads", producer=ROADS_PRODUCER, consumer=ROADS_CONSUMER)
    await fill(roads, events, contract=ROADS, producer=ROADS_PRODUCER)
    licences = Site.make(folder / "licences")
    await fill(licences, events)
    return [
        *await _measure(
            roads, ROADS, events, rounds, {"all fields": ("", 0.5), "with a trailer": ("?trailer=true", 0.3)}
        ),
        *await _measure(licences, CONTRACT, events, rounds, {"personal data, some fields": ("", 0.02)}),
    ]


async def _measure(
    site: Site, contract: str, events: int, rounds: int, queries: Mapping[str, tuple[str, float]]
) -> Sequence[Ratio]:
    """Each query by turns with the plain program; `queries` have the query and what the ratio has to reach."""
    path = f"/v1/records/{contract}"
    with site.running() as bus:
        with open_workspace(site.data) as workspace:
            await await_relay(workspace)
        await asyncio.to_thread(_download, bus, f"{path}?after={events - 1:020}", 0)
        before = memory(bus.pid).resident

        async def stream(query: str) -> float:
            begin = perf_counter()
            await asyncio.to_thread(_download, bus, path + query, events)
            return events / (perf_counter() - begin)

        async def joined() -> float:
            with on_cores({SERVER_CORE}):
                return _read(site.data / "bus.db", events)

        measures = {name: partial(stream, query) for name, (query, _) in queries.items()}
        rates = await in_turns({"joined": joined, **measures}, rounds)
        highest = memory(bus.pid).highest
    what = f"snapshot of {events:,} records"
    return [
        *(
            Ratio(f"{what}, {name}", "the same SQL read, lines joined", rates[name], rates["joined"], bound)
            for name, (_, bound) in queries.items()
        ),
        Difference(f"memory: {what} of {contract}", "before", [highest], [before], _MOST, "MB", at_most=True),
    ]


def _download(bus: Running, path: str, fewest: int) -> None:
    """Read an answer to its end. It has to have some number of lines."""
    connection = http.client.HTTPConnection("127.0.0.1", bus.port, timeout=600)
    headers = {"Authorization": bus.consumer_authorization, "Accept": "application/x-ndjson"}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{answer.status}: {answer.read(500)!r}")
    lines = 0
    while part := answer.read(_READ):
        lines += part.count(b"\n")
    connection.close()
    if lines < fewest:
        raise RuntimeError(f"{lines:,} lines came of {fewest:,} records")


def _read(database: Path, events: int) -> float:
    """Records a second that a plain program reads and joins."""
    connection = sqlite3.connect(database)
    asked = {"contract": _find_contract(connection), "after": 0, "until": 2**62, "limit": events}
    begin, count = perf_counter(), 0
    rows = connection.execute(RECORD_LINES.rows.sqlite, asked)
    while some := rows.fetchmany(_FETCHED):
        b"\n".join([row[-1] for row in some])
        count += len(some)
    took = perf_counter() - begin
    connection.close()
    return count / took


def _find_contract(connection: sqlite3.Connection) -> int:
    (contract,) = connection.execute("SELECT contract_id FROM journal LIMIT 1").fetchone()
    return int(contract)
