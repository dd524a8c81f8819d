"""Reading a feed of a contract that the consumer sees whole, a thousand events a page, against the same read without a bus."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bench import load
from bench.events import documents, request
from bench.processes import SERVER_CORE, on_cores
from bench.ratio import Ratio, in_turns
from bench.site import Site
from bus.journal import lines

CONTRACT: Final = "infrastruktur.ruas-jalan"
PRODUCER: Final = "dpupr"
CONSUMER: Final = "bappeda"

_PAGE: Final = 1000
_PAGES: Final = 20
_CONNECTIONS: Final = 4
Join = Callable[[Sequence[Any]], bytes]
"""Makes a page of the rows that were read."""


async def feeds(folder: Path, rounds: int, seconds: float) -> Sequence[Ratio]:
    """With four readers."""
    site = Site.make(folder / "feeds", producer=PRODUCER, consumer=CONSUMER)
    with site.running() as bus:
        events = documents(CONTRACT)
        for _ in range(_PAGES * 2):
            batch = b"[%b]" % b",".join(islice(events, _PAGE // 2))
            await load.once(bus.port, request(batch, bus.authorization, "application/cloudevents-batch+json"))
        page = (
            f"GET /v1/feeds/{CONTRACT}?limit={_PAGE} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"authorization: {bus.consumer_authorization}\r\n\r\n"
        ).encode()

        async def read() -> float:
            sample = await load.closed_loop(bus.port, _again(page), _CONNECTIONS, seconds)
            return sample.rate * _PAGE

        async def joined(join: Join) -> float:
            with on_cores({SERVER_CORE}):
                return _read(site.data / "bus.db", join, seconds)

        baselines = {"same bytes": partial(joined, _same_bytes), "bodies": partial(joined, _bodies)}
        rates = await in_turns({"bus": read, **baselines}, rounds)
    what = f"feed, {_PAGE} events a page, all fields"
    return [
        Ratio(what, "the same SQL read, the same bytes joined", rates["bus"], rates["same bytes"], 0.5),
        Ratio(
            "the same", "the same SQL read, the bodies joined as they are stored", rates["bus"], rates["bodies"], 0.5
        ),
    ]


def _again(page: bytes) -> Iterator[bytes]:
    while True:
        yield page


def _same_bytes(rows: Sequence[Any]) -> bytes:
    return b'{"events":[%b]}' % b",".join(lines.texts(rows, [row[0] for row in rows]))


def _bodies(rows: Sequence[Any]) -> bytes:
    return b'{"events":[%b]}' % b",".join([row[3] for row in rows])


def _read(database: Path, join: Join, seconds: float) -> float:
    connection = sqlite3.connect(database)
    (contract,) = connection.execute("SELECT contract_id FROM journal LIMIT 1").fetchone()
    begin, count = time.perf_counter(), 0
    while (took := time.perf_counter() - begin) < seconds:
        join(connection.execute(lines.FEED.sqlite, (contract, 0, _PAGE)).fetchall())
        count += _PAGE
    connection.close()
    return count / took
