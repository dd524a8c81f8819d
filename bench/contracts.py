"""Ten thousand contracts with three versions each: what they cost the start and the publishing of one event."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from bench import load
from bench.events import requests
from bench.ratio import Ratio, in_turns
from bench.site import Site
from bus import json

_CONTRACTS: Final = 10_000
_VERSIONS: Final = ("1.0.0", "1.1.0", "2.0.0")
_CONNECTIONS: Final = 32


async def contracts(folder: Path, rounds: int, seconds: float) -> Sequence[Ratio]:
    """The same bus with the contracts that ship, and with ten thousand more."""
    few, many = Site.make(folder / "few"), Site.make(folder / "many")
    add_contracts(many.data / "bus.db")
    starts: dict[str, list[float]] = {"few": [], "many": []}
    for site, name in ((few, "few"), (many, "many")):
        for _ in range(3):
            begin = time.perf_counter()
            with site.running():
                starts[name].append(time.perf_counter() - begin)
    with ExitStack() as stack:
        running = {name: stack.enter_context(site.running()) for name, site in (("few", few), ("many", many))}
        events = {name: requests(bus.authorization) for name, bus in running.items()}

        async def rate(name: str) -> float:
            return (await load.closed_loop(running[name].port, events[name], _CONNECTIONS, seconds)).rate

        rates = await in_turns({name: partial(rate, name) for name in running}, rounds)
    note = f"from its start to its first token: {median(starts['many']):.1f} s, with few {median(starts['few']):.1f} s"
    what = f"publish one event, {_CONTRACTS} contracts with {len(_VERSIONS)} versions each"
    return [Ratio(what, "the same with 14", rates["many"], rates["few"], 0.9, note=note)]


def add_contracts(database: Path) -> None:
    """Copy a shipped contract under ten thousand names, straight into the tables: registering would prove each compatible."""
    with closing(sqlite3.connect(database)) as connection, connection:
        row = connection.execute("SELECT document FROM contract_versions LIMIT 1").fetchone()
        document = json.loads(row[0])
        for number in range(_CONTRACTS):
            name = f"uji.kontrak-{number}"
            made = connection.execute("INSERT INTO contracts (name) VALUES (?)", (name,)).lastrowid
            connection.executemany(
                "INSERT INTO contract_versions (contract_id, version, state, document, created_at, created_by, changed_at, "
                "changed_by) VALUES (?, ?, 'active', ?, 0, 'uji', 0, 'uji')",
                [
                    (made, version, json.dump_canonical({**document, "contract": name, "version": version}))
                    for version in _VERSIONS
                ],
            )
