"""Publishing one event at a time: token, contract, schema, commit and fsync, against servers that only parse and answer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

from bench import load
from bench.events import requests
from bench.processes import Server, baseline, cpu_seconds
from bench.ratio import Ratio, in_turns
from bench.site import Site


async def publish(folder: Path, rounds: int, seconds: float) -> Sequence[Ratio]:
    """With 32 and with 128 connections."""
    site = Site.make(folder / "publish")
    with ExitStack() as stack:
        bus = stack.enter_context(site.running())
        servers = {name: stack.enter_context(baseline(name, folder)) for name in ("fastapi", "asgi")}
        servers["bus"] = Server(bus.port, bus.pid)
        events = requests(bus.authorization)
        return [
            ratio
            for connections in (32, 128)
            for ratio in await _compared(servers, events, connections, rounds, seconds)
        ]


async def _compared(
    servers: Mapping[str, Server], events: Iterator[bytes], connections: int, rounds: int, seconds: float
) -> Sequence[Ratio]:
    cost: dict[str, list[float]] = {name: [] for name in servers}
    busy: list[float] = []

    async def rate(name: str) -> float:
        before = cpu_seconds(servers[name].pid)
        sample = await load.closed_loop(servers[name].port, events, connections, seconds)
        cost[name].append((cpu_seconds(servers[name].pid) - before) / sample.answers)
        busy.append(sample.busy)
        return sample.rate

    rates = await in_turns({name: partial(rate, name) for name in servers}, rounds)
    micros = {name: median(values) * 1e6 for name, values in cost.items()}
    note = (
        f"processor time a request: bus {micros['bus']:.0f} µs, FastAPI {micros['fastapi']:.0f} µs, "
        f"raw ASGI {micros['asgi']:.0f} µs; load generator at most {max(busy):.0%} busy"
    )
    what = f"publish one event, {connections} connections"
    return [
        Ratio(what, "bare FastAPI endpoint", rates["bus"], rates["fastapi"], 1.5, note=note),
        Ratio(what, "raw ASGI callable", rates["bus"], rates["asgi"], 0.5),
    ]
