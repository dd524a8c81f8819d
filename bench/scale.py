"""A journal of a million events, and a thousand subscriptions: what they cost publishing and reading, against few of each."""

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

import sqlalchemy as sa

from bench import load
from bench.events import CONSUMER, CONTRACT, PRODUCER, documents, requests
from bench.processes import ALL_CORES, cpu_seconds, on_cores
from bench.ratio import Ratio, in_turns
from bench.site import Running, Site
from bus import json
from bus.cli.workspace import open_workspace
from bus.contracts.catalogue import Catalogue
from bus.delivery.relay import behind
from bus.delivery.subscriptions import NewSubscription, Subscriptions, Webhook
from bus.delivery.tables import SUBSCRIPTIONS
from bus.http.cursors import Listing, cursor_at
from bus.identity.tokens import Principal
from bus.journal import Appender, JournalReader, Projection
from bus.journal.gate import Gate

_FEW_EVENTS: Final = 10_000
_SUBSCRIPTIONS: Final = {"few": 10, "many": 1_000}
_OTHER: Final = "kependudukan.peristiwa"
"""What the subscriptions are to: not what is published."""
_BATCH: Final = 500
_PAGE: Final = 1_000
_CONNECTIONS: Final = 32
_READERS: Final = 4
_RELAY_SECONDS: Final = 900


@dataclass(slots=True)
class _Bus:
    """A bus that runs, and where the journal ended before the measurements."""

    running: Running
    events: Iterator[bytes]
    page: bytes = b""


async def scale(folder: Path, rounds: int, seconds: float, events: int) -> Sequence[Ratio]:
    """Publishing one event and reading the journal's end, by the size of the journal; publishing, by subscriptions."""
    made = Site.make(folder / "scale")
    sites = {name: _copy(made, folder / name) for name in ("few", "many")}
    subscribed = await _by_subscriptions(sites, rounds, seconds)
    sites = {name: _copy(made, folder / f"journal-{name}") for name in sites}
    return [*await _by_journal(sites, rounds, seconds, events), subscribed]


def _copy(site: Site, data: Path) -> Site:
    shutil.copytree(site.data, data)
    return replace(site, data=data)


async def _by_journal(sites: dict[str, Site], rounds: int, seconds: float, events: int) -> Sequence[Ratio]:
    sizes = {"few": _FEW_EVENTS, "many": events}
    with ExitStack() as stack:
        buses = {}
        for name, size in sizes.items():
            await _fill(sites[name], size)
            running = stack.enter_context(sites[name].running())
            buses[name] = _Bus(running, requests(running.authorization), _last_page(running, size))
            await _await_relay(sites[name])

        published = await _published(buses, rounds, seconds)

        async def read(bus: _Bus) -> float:
            again = iter(lambda: bus.page, b"")
            return (await load.closed_loop(bus.running.port, again, _READERS, seconds)).rate * _PAGE

        pages = await in_turns({name: partial(read, bus) for name, bus in buses.items()}, rounds)
    few = f"with {_FEW_EVENTS:,}"
    return [
        _ratio(f"publish one event, {events:,} events in the journal", few, published),
        Ratio(f"feed at the end of the journal, {events:,} events in it", few, pages["many"], pages["few"], 0.9),
    ]


async def _by_subscriptions(sites: dict[str, Site], rounds: int, seconds: float) -> Ratio:
    with ExitStack() as stack:
        buses = {}
        for name, count in _SUBSCRIPTIONS.items():
            _subscribe(sites[name], count)
            running = stack.enter_context(sites[name].running())
            buses[name] = _Bus(running, requests(running.authorization))
        published = await _published(buses, rounds, seconds)
    few, many = _SUBSCRIPTIONS.values()
    return _ratio(f"publish one event, {many:,} subscriptions to another contract", f"with {few}", published)


@dataclass(frozen=True, slots=True)
class _Published:
    rates: dict[str, list[float]]
    micros: dict[str, float]


async def _published(buses: dict[str, _Bus], rounds: int, seconds: float) -> _Published:
    cost: dict[str, list[float]] = {name: [] for name in buses}

    async def rate(name: str) -> float:
        bus = buses[name]
        before = cpu_seconds(bus.running.pid)
        sample = await load.closed_loop(bus.running.port, bus.events, _CONNECTIONS, seconds)
        cost[name].append((cpu_seconds(bus.running.pid) - before) / sample.answers)
        return sample.rate

    rates = await in_turns({name: partial(rate, name) for name in buses}, rounds)
    return _Published(rates, {name: median(values) * 1e6 for name, values in cost.items()})


def _ratio(what: str, against: str, published: _Published) -> Ratio:
    note = f"processor time a request: {published.micros['many']:.0f} µs, {against} {published.micros['few']:.0f} µs"
    return Ratio(what, against, published.rates["many"], published.rates["few"], 0.9, note=note)


async def _fill(site: Site, count: int) -> None:
    """Append events that passed the gate; without HTTP, which would take most of the time."""
    principal = Principal(PRODUCER, "bench", frozenset(), 0.0, "")
    made = documents()
    with open_workspace(site.data) as workspace, on_cores(ALL_CORES):
        catalogue = Catalogue(workspace.storage, workspace.keys.pseudonym)
        catalogue.refresh()
        gate, appender = Gate(catalogue), Appender(workspace.storage, lambda position: None)
        under_way: set[asyncio.Task[object]] = set()
        for start in range(0, count, _BATCH):
            batch = islice(made, min(_BATCH, count - start))
            submissions = [gate.admit(json.loads(document), principal) for document in batch]
            under_way.add(asyncio.ensure_future(appender.append(submissions)))
            if len(under_way) > 1:
                # One is made while the other is written.
                _, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*under_way)
        await appender.close()
        # A bus that had taken them in itself would have done so on the way.
        await asyncio.to_thread(Projection(workspace.storage).reach_end)


async def _await_relay(site: Site) -> None:
    """Until the relay has gone through what was filled in, which is not what is measured."""
    with open_workspace(site.data) as workspace:
        journal = JournalReader(workspace.storage)
        async with asyncio.timeout(_RELAY_SECONDS):
            while behind(workspace.storage, journal).events:  # noqa: ASYNC110 - another process goes on
                await asyncio.sleep(0.1)


def _last_page(running: Running, size: int) -> bytes:
    cursor = cursor_at(Listing.FEED, CONTRACT, size - _PAGE)
    return (
        f"GET /v1/feeds/{CONTRACT}?limit={_PAGE}&after={cursor} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"authorization: {running.consumer_authorization}\r\n\r\n"
    ).encode()


def _subscribe(site: Site, count: int) -> None:
    """Make one, and copies of it straight in the table; live, since catching up with the journal is not what is measured."""
    with open_workspace(site.data) as workspace:
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        subscriptions.add(NewSubscription(CONSUMER, [_OTHER], Webhook("http://127.0.0.1:9")))
        with workspace.storage.write() as connection:
            made = connection.execute(sa.select(SUBSCRIPTIONS)).one()._asdict()
            live = {**made, "number": None, "from_position": 0, "replay_position": None}
            copies = [{**live, "id": f"sub_{number}"} for number in range(1, count)]
            connection.execute(sa.insert(SUBSCRIPTIONS), copies)
