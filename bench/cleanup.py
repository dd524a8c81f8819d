"""The clean-up of a deleted subscription's deliveries, and of old events, against a bus with nothing to delete."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Final

import sqlalchemy as sa

from bench import load
from bench.events import CONSUMER, requests
from bench.journal import fill
from bench.ratio import Ratio, in_turns
from bench.site import Site
from bus.actions import Channel, identify_operator
from bus.cli.workspace import Workspace, open_workspace
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.tables import DELIVERIES
from bus.journal import Projection
from bus.journal.tables import PRECEDING

_CONNECTIONS: Final = 32
_END_SECONDS: Final = 3600
_FILL: Final = """
    WITH RECURSIVE made (position) AS (SELECT 1 UNION ALL SELECT position + 1 FROM made WHERE position < :count)
    INSERT INTO deliveries (subscription, position, state, attempts, due_at, finished_at)
    SELECT :subscription, position, 1, 1, 1, 1 FROM made
"""
_FILL_ATTEMPTS: Final = """
    INSERT INTO attempts (subscription, position, number, at, failure, detail, duration_ms)
    SELECT subscription, position, 1, 1, 'transient', '', 1 FROM deliveries WHERE position % 10 = 0
"""

_CHANGES: Final = 100
_FILL_EVENTS: Final = """
    WITH RECURSIVE made (position) AS (SELECT 2 UNION ALL SELECT position + 1 FROM made WHERE position <= :count)
    INSERT INTO journal (position, contract_id, version_id, participant, identity, key, recorded_at, body)
    SELECT made.position, contract_id, version_id, participant, randomblob(16), 'IZN-' || (made.position % :keys), 1, body
    FROM made CROSS JOIN journal WHERE journal.position = 1
"""


async def cleanup(folder: Path, rounds: int, seconds: float, rows: int) -> Sequence[Ratio]:
    """Publishing while the relay deletes deliveries, of which one in ten had an attempt that failed, and then old events."""
    found: list[Ratio] = []
    for what, leave, count in (
        ("deliveries", _leave_remains, _count_remains),
        ("events", _leave_old_events, _count_old_events),
    ):
        sites = {name: Site.make(folder / what / name) for name in ("cleaning", "idle")}
        await leave(sites["cleaning"], rows)
        found += await _compare(sites, rounds, seconds, f"clean-up of {rows:,} {what}", count)
    return found


async def _compare(
    sites: Mapping[str, Site], rounds: int, seconds: float, what: str, count: Callable[[Workspace], int]
) -> Sequence[Ratio]:
    with ExitStack() as stack:
        buses = {name: stack.enter_context(site.running()) for name, site in sites.items()}
        begin = perf_counter()
        events = {name: requests(bus.authorization) for name, bus in buses.items()}
        slowest: dict[str, list[float]] = {name: [] for name in buses}

        async def publish(name: str) -> float:
            sample = await load.closed_loop(buses[name].port, events[name], _CONNECTIONS, seconds)
            slowest[name].append(quantiles(sample.seconds, n=100)[98] * 1000)
            return sample.rate

        rates = await in_turns({name: partial(publish, name) for name in buses}, rounds)
        with open_workspace(sites["cleaning"].data) as workspace:
            left = count(workspace)
            await load.until(lambda: not count(workspace), _END_SECONDS, 0.2)
        took = perf_counter() - begin
    note = f"it took {took:.0f} s; {left:,} were left when the measurement ended"
    return [
        Ratio(f"publish one event beside a {what}", "with nothing to delete", rates["cleaning"], rates["idle"], 0.8, note=note),
        Ratio(
            f"the same, p99 of the answers beside a {what}", "with nothing to delete",
            slowest["cleaning"], slowest["idle"], 3, "ms", at_most=True,
        ),
    ]  # fmt: skip


async def _leave_old_events(site: Site, count: int) -> None:
    """Copy one event, as if each of some records had changed a hundred times long ago. The bus keeps the newest of each."""
    await fill(site, 1)
    with open_workspace(site.data) as workspace:
        with workspace.storage.write() as transaction:
            transaction.execute(sa.text(_FILL_EVENTS), {"count": count, "keys": max(1, count // _CHANGES)})
        await asyncio.to_thread(Projection(workspace.storage).reach_end)


def _count_old_events(workspace: Workspace) -> int:
    """How many events are left of records that have newer ones."""
    with workspace.storage.read() as transaction:
        return int(transaction.value(sa.select(sa.func.count()).select_from(PRECEDING)))


async def _leave_remains(site: Site, count: int) -> None:
    """Delete a subscription with delivered events, before the bus runs."""
    site.subscribe("https://sink.example/")
    with open_workspace(site.data) as workspace:
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        (made,) = subscriptions.listed(CONSUMER)
        with workspace.storage.write() as transaction:
            transaction.execute(sa.text(_FILL), {"subscription": made.number, "count": count})
            transaction.execute(sa.text(_FILL_ATTEMPTS))
        subscriptions.delete(made, identify_operator(Channel.CLI))


def _count_remains(workspace: Workspace) -> int:
    with workspace.storage.read() as transaction:
        return int(transaction.value(sa.select(sa.func.count()).select_from(DELIVERIES)))
