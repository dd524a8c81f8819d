"""Memory of a bus with a million deliveries that wait, against the same bus with none.

A delivery that waits is a row of the database; in memory are those in flight, at most 1,000 of a subscription. These, and what
SQLite's page caches hold of a large database, are what is measured.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bench import load
from bench.events import requests
from bench.journal import await_live, fill
from bench.processes import memory
from bench.ratio import Difference, Ratio, in_turns
from bench.receiver import Receiver, receiving
from bench.site import Running, Site
from bus.cli.workspace import open_workspace
from bus.delivery.tables import DELIVERIES

_MOST: Final = 100
"""MB that they may take."""
_RATE: Final = 500
"""Events a second that are published meanwhile: the bus with nothing waiting is at work as well."""
_CONNECTIONS: Final = 32
_BEGUN_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class _Bus:
    """A bus that runs."""

    running: Running
    events: Iterator[bytes]

    async def work(self, seconds: float) -> float:
        """Publish for a while; the resident memory at the end."""
        await load.open_loop(self.running.port, self.events, _CONNECTIONS, seconds, _RATE)
        return memory(self.running.pid).resident


async def backlog(folder: Path, rounds: int, seconds: float, deliveries: int) -> Sequence[Ratio]:
    """While the deliveries are made and wait for a sink that is down, and while they go to one that takes them."""
    none = Site.make(folder / "none")
    many = replace(none, data=folder / "many")
    shutil.copytree(none.data, many.data)
    await fill(many, deliveries)
    sites = {"many": many, "none": none}
    async with receiving() as idle, receiving() as sink:
        none.subscribe(idle.url)
        many.subscribe(sink.url)
        sink.takes = False
        waiting = await _phase("waiting for a sink that is down", sites, rounds, seconds, deliveries)
        # Started anew: a circuit that has been open for long asks the sink again after minutes only.
        sink.takes = True
        going = await _phase("being delivered", sites, rounds, seconds, deliveries, lambda: sink.count > 0)
        _check(sink, many)
    return [*waiting, *going]


async def _phase(
    doing: str,
    sites: Mapping[str, Site],
    rounds: int,
    seconds: float,
    deliveries: int,
    has_begun: Callable[[], bool] = lambda: True,
) -> list[Ratio]:
    with ExitStack() as stack:
        buses = {}
        for name, site in sites.items():
            running = stack.enter_context(site.running())
            buses[name] = _Bus(running, requests(running.authorization))
        await _await_deliveries(sites["many"], deliveries)
        # What the process before had leased is in its way until those leases end.
        await load.until(has_begun, _BEGUN_SECONDS, 0.1)
        resident = await in_turns({name: partial(bus.work, seconds) for name, bus in buses.items()}, rounds)
        highest = {name: [memory(bus.running.pid).highest] for name, bus in buses.items()}
    what = f"memory, {deliveries:,} deliveries {doing}"
    return [
        Difference(name, "with none", taken["many"], taken["none"], _MOST, "MB", at_most=True)
        for name, taken in ((what, resident), (f"{what}, the most since the start", highest))
    ]


async def _await_deliveries(site: Site, count: int) -> None:
    """Until the relay has made each event's delivery."""
    with open_workspace(site.data) as workspace:
        await await_live(workspace)
        with workspace.storage.read() as transaction:
            made = transaction.value(sa.select(sa.func.count()).select_from(DELIVERIES))
    if made < count:
        raise RuntimeError(f"{made:,} deliveries were made of {count:,}")


def _check(sink: Receiver, site: Site) -> None:
    """That deliveries went out of the backlog, and that it outlasted the measurement."""
    with open_workspace(site.data) as workspace, workspace.storage.read() as transaction:
        waits = transaction.value(sa.select(sa.exists().where(DELIVERIES.c.state == 0)))
    if not sink.count or not waits:
        raise RuntimeError(f"{sink.count:,} deliveries were made, and {'some' if waits else 'none'} wait still")
