"""The clean-up of a deleted subscription's deliveries beside publishers, against the same bus with nothing to delete."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Final

import sqlalchemy as sa

from bench import load
from bench.events import CONSUMER, requests
from bench.ratio import Ratio, in_turns
from bench.site import Site
from bus.actions import Channel, identify_operator
from bus.cli.workspace import Workspace, open_workspace
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.tables import DELIVERIES

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


async def cleanup(folder: Path, rounds: int, seconds: float, deliveries: int) -> Sequence[Ratio]:
    """Publishing while the relay deletes; a delivery in ten had an attempt that failed."""
    sites = {"cleaning": Site.make(folder / "cleaning"), "idle": Site.make(folder / "idle")}
    _leave_remains(sites["cleaning"], deliveries)
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
            left = _count_remains(workspace)
            await load.until(lambda: not _count_remains(workspace), _END_SECONDS, 0.2)
        took = perf_counter() - begin
    what = f"clean-up of {deliveries:,} deliveries"
    note = f"it took {took:.0f} s; {left:,} were left when the measurement ended"
    return [
        Ratio(f"publish one event beside a {what}", "with nothing to delete", rates["cleaning"], rates["idle"], 0.8, note=note),
        Ratio(
            f"the same, p99 of the answers beside a {what}", "with nothing to delete",
            slowest["cleaning"], slowest["idle"], 3, "ms", at_most=True,
        ),
    ]  # fmt: skip


def _leave_remains(site: Site, count: int) -> None:
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
