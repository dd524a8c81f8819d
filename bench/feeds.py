"""Reading a feed of a contract that the consumer sees whole, a thousand events a page, against the same read without a bus."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from bench import load
from bench.events import ROADS, ROADS_CONSUMER, ROADS_PRODUCER, documents, request
from bench.processes import SERVER_CORE, on_cores
from bench.ratio import Ratio, in_turns
from bench.site import Site
from bus.journal.statements import FEED_LINES

_PAGE: Final = 1000
_PAGES: Final = 20
_CONNECTIONS: Final = 4


async def feeds(folder: Path, rounds: int, seconds: float) -> Sequence[Ratio]:
    """With four readers."""
    site = Site.make(folder / "feeds", producer=ROADS_PRODUCER, consumer=ROADS_CONSUMER)
    with site.running() as bus:
        events = documents(ROADS)
        for _ in range(_PAGES * 2):
            batch = b"[%b]" % b",".join(islice(events, _PAGE // 2))
            await load.once(bus.port, request(batch, bus.authorization, "application/cloudevents-batch+json"))
        page = (
            f"GET /v1/feeds/{ROADS}?limit={_PAGE} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"authorization: {bus.consumer_authorization}\r\n\r\n"
        ).encode()

        async def read() -> float:
            sample = await load.closed_loop(bus.port, _again(page), _CONNECTIONS, seconds)
            return sample.rate * _PAGE

        async def joined() -> float:
            with on_cores({SERVER_CORE}):
                return _read(site.data / "bus.db", seconds)

        rates = await in_turns({"bus": read, "joined": joined}, rounds)
    what = f"feed, {_PAGE} events a page, all fields"
    return [Ratio(what, "the same SQL read, bytes joined", rates["bus"], rates["joined"], 0.5)]


def _again(page: bytes) -> Iterator[bytes]:
    while True:
        yield page


def _read(database: Path, seconds: float) -> float:
    connection = sqlite3.connect(database)
    (contract,) = connection.execute("SELECT contract_id FROM journal LIMIT 1").fetchone()
    begin, count = time.perf_counter(), 0
    while (took := time.perf_counter() - begin) < seconds:
        rows = connection.execute(FEED_LINES.rows.sqlite, {"contract": contract, "after": 0, "limit": _PAGE}).fetchall()
        b'{"events":[%b]}' % b",".join([row[-1] for row in rows])
        count += _PAGE
    connection.close()
    return count / took
