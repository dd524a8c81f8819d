"""Publishing one event at a time: token, contract, schema, commit and fsync, against servers that only parse and answer."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench import load
from bench.events import requests
from bench.processes import baseline, cpu_seconds
from bench.ratio import Ratio, in_turns
from bench.site import Site


async def publish(folder: Path, rounds: int, seconds: float) -> Sequence[Ratio]:
    """With 32 and with 128 connections."""
    ratios: list[Ratio] = []
    site = Site.make(folder / "publish")
    with ExitStack() as stack:
        bus = stack.enter_context(site.running())
        ports = {name: stack.enter_context(baseline(name, folder)) for name in ("fastapi", "asgi")}
        events = requests(bus.authorization)
        busy: list[float] = []
        cost: list[float] = []

        for connections in (32, 128):

            async def measured(port: int, connections: int = connections) -> float:
                before = cpu_seconds(bus.pid)
                sample = await load.closed_loop(port, events, connections, seconds)
                busy.append(sample.busy)
                if port == bus.port:
                    cost.append((cpu_seconds(bus.pid) - before) / len(sample.seconds))
                return sample.rate

            rates = await in_turns(
                {
                    "fastapi": lambda: measured(ports["fastapi"]),
                    "bus": lambda: measured(bus.port),
                    "asgi": lambda: measured(ports["asgi"]),
                },
                rounds,
            )
            note = (
                f"load generator at most {max(busy):.0%} busy; "
                f"{median(cost[-rounds:]) * 1e6:.0f} µs of processor time an event"
            )
            what = f"publish one event, {connections} connections"
            ratios += [
                Ratio(what, "bare FastAPI endpoint", rates["bus"], rates["fastapi"], 1.5, note=note),
                Ratio(what, "raw ASGI callable", rates["bus"], rates["asgi"], 0.5),
            ]
    return ratios
