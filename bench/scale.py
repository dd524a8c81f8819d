"""A journal of a million events, and a thousand subscriptions: what they cost publishing and reading, against few of each.

After each measurement the relay is waited for: what it has left to do would be paid for by the next one.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import sqlalchemy as sa

from bench import load
from bench.events import CONSUMER, CONTRACT, requests
from bench.journal import await_relay, fill
from bench.processes import cpu_seconds
from bench.ratio import Ratio, in_turns
from bench.site import Running, Site
from bus import json
from bus.actions.actor import Channel, on_this_machine
from bus.cli.workspace import Workspace, open_workspace
from bus.delivery.subscription import NewSubscription, Webhook
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.tables import SUBSCRIPTIONS
from bus.http.cursors import Listing, write_position

_FEW_EVENTS: Final = 10_000
_SUBSCRIPTIONS: Final = {"few": 10, "many": 1_000}
_OTHER: Final = "kependudukan.peristiwa"
"""What subscriptions are to that have nothing to do with what is published."""
_CONSUMERS: Final = (CONSUMER, "dpupr", "satpol-pp")
"""Those of what is published; each sees it through a view of its own."""
_NOWHERE: Final = Webhook("http://127.0.0.1:9")
_PAGE: Final = 1_000
_CONNECTIONS: Final = 32
_READERS: Final = 4


@dataclass(slots=True)
class _Bus:
    """A bus that runs.

    Attributes:
        workspace: its database, to see how far its relay is.
        page: a request for the last page of its journal.
    """

    running: Running
    events: Iterator[bytes]
    workspace: Workspace
    page: bytes = b""


def _start(site: Site, stack: ExitStack) -> _Bus:
    running = stack.enter_context(site.running())
    return _Bus(running, requests(running.authorization), stack.enter_context(open_workspace(site.data)))


async def scale(folder: Path, rounds: int, seconds: float, events: int) -> Sequence[Ratio]:
    """Publishing one event and reading the journal's end, by the size of the journal; publishing, by subscriptions."""
    made = Site.make(folder / "scale")
    return [
        *await _by_subscriptions("to another contract", _copies(made, folder, "other"), _to_another, rounds, seconds),
        *await _by_subscriptions("that filter it", _copies(made, folder, "filter"), _that_filters, rounds, seconds),
        *await _by_journal(_copies(made, folder, "journal"), rounds, seconds, events),
    ]


def _copies(site: Site, folder: Path, name: str) -> dict[str, Site]:
    copies = {size: replace(site, data=folder / f"{name}-{size}") for size in ("few", "many")}
    for copy in copies.values():
        shutil.copytree(site.data, copy.data)
    return copies


async def _by_journal(sites: dict[str, Site], rounds: int, seconds: float, events: int) -> Sequence[Ratio]:
    sizes = {"few": _FEW_EVENTS, "many": events}
    with ExitStack() as stack:
        buses = {}
        for name, size in sizes.items():
            await fill(sites[name], size)
            bus = buses[name] = _start(sites[name], stack)
            bus.page = _last_page(bus.running, size)
            await await_relay(bus.workspace)

        published = await _published(buses, rounds, seconds)

        async def read(bus: _Bus) -> float:
            again = iter(lambda: bus.page, b"")
            return (await load.closed_loop(bus.running.port, again, _READERS, seconds)).rate * _PAGE

        pages = await in_turns({name: partial(read, bus) for name, bus in buses.items()}, rounds)
    few = f"with {_FEW_EVENTS:,}"
    return [
        _ratio(f"publish one event, {events:,} events in the journal", few, published, published.rates),
        Ratio(f"feed at the end of the journal, {events:,} events in it", few, pages["many"], pages["few"], 0.9),
    ]


async def _by_subscriptions(
    what: str, sites: dict[str, Site], order: Callable[[int], NewSubscription], rounds: int, seconds: float
) -> Sequence[Ratio]:
    with ExitStack() as stack:
        buses = {}
        for name, count in _SUBSCRIPTIONS.items():
            _subscribe(sites[name], [order(number) for number in range(count)])
            buses[name] = _start(sites[name], stack)
        published = await _published(buses, rounds, seconds)
    few, many = _SUBSCRIPTIONS.values()
    return [
        _ratio(f"publish one event, {many:,} subscriptions {what}", f"with {few}", published, published.rates),
        _ratio("the same, until the relay has gone through all", f"with {few}", published, published.relayed),
    ]


@dataclass(frozen=True, slots=True)
class _Published:
    """What was published: answers a second, events a second until the relay had gone through them, µs of processor time."""

    rates: dict[str, list[float]]
    relayed: dict[str, list[float]]
    micros: dict[str, float]


async def _published(buses: dict[str, _Bus], rounds: int, seconds: float) -> _Published:
    cost: dict[str, list[float]] = {name: [] for name in buses}
    relayed: dict[str, list[float]] = {name: [] for name in buses}

    async def rate(name: str) -> float:
        bus = buses[name]
        before, begin = cpu_seconds(bus.running.pid), perf_counter()
        sample = await load.closed_loop(bus.running.port, bus.events, _CONNECTIONS, seconds)
        await await_relay(bus.workspace)
        relayed[name].append(sample.answers / (perf_counter() - begin))
        cost[name].append((cpu_seconds(bus.running.pid) - before) / sample.answers)
        return sample.rate

    rates = await in_turns({name: partial(rate, name) for name in buses}, rounds)
    return _Published(rates, relayed, {name: median(values) * 1e6 for name, values in cost.items()})


def _ratio(what: str, against: str, published: _Published, rates: Mapping[str, Sequence[float]]) -> Ratio:
    note = f"processor time an event: {published.micros['many']:.0f} µs, {against} {published.micros['few']:.0f} µs"
    return Ratio(what, against, rates["many"], rates["few"], 0.9, note=note)


def _last_page(running: Running, size: int) -> bytes:
    cursor = write_position(Listing.FEED, CONTRACT, size - _PAGE)
    return (
        f"GET /v1/feeds/{CONTRACT}?limit={_PAGE}&after={cursor} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"authorization: {running.consumer_authorization}\r\n\r\n"
    ).encode()


def _subscribe(site: Site, orders: Sequence[NewSubscription]) -> None:
    """Make the first, and copies of it straight in the table; live, since catching up is not what is measured."""
    with open_workspace(site.data) as workspace:
        Subscriptions(workspace.storage, workspace.keys).add(orders[0], on_this_machine(Channel.CLI))
        with workspace.storage.write() as transaction:
            made = transaction.one(sa.select(SUBSCRIPTIONS))._asdict()
            live = {**made, "number": None, "from_position": 0, "replay_position": None}
            copies = [
                {
                    **live,
                    "id": f"sub_{number}",
                    "participant": order.participant,
                    "filters": json.dumps(list(order.filters)).decode(),
                }
                for number, order in enumerate(orders[1:])
            ]
            transaction.execute(sa.insert(SUBSCRIPTIONS), copies)


def _to_another(number: int) -> NewSubscription:
    return NewSubscription(CONSUMER, [_OTHER], _NOWHERE)


def _that_filters(number: int) -> NewSubscription:
    """To what is published, but for what there is not: one licence, some licences of a year, or a kecamatan's but for one."""
    filters = (
        {"exact": {"subject": f"IZN-2025-{number:09d}"}},
        {"prefix": {"subject": f"IZN-2024-{number:05d}"}},
        {"all": [{"exact": {"source": f"/kecamatan/{number}"}}, {"not": {"exact": {"subject": "IZN-2026-000000001"}}}]},
    )
    # A consumer has filters of each kind.
    consumer = _CONSUMERS[number // len(filters) % len(_CONSUMERS)]
    return NewSubscription(consumer, [CONTRACT], _NOWHERE, [filters[number % len(filters)]])
