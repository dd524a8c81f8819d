"""How long an event takes from its publisher to a webhook, at half load.

One process publishes and delivers. Full load of this path is the rate that it sustains with both: so many events published
as fast as it takes them, divided by the time until the last of them has arrived. Half load is half of that. Half of what
publishing reaches while nobody subscribes is measured beside it: that may be more than full load, and what is then measured
is a backlog that grows with the measurement's length.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

from bench import load
from bench.events import licence_of, requests
from bench.processes import baseline
from bench.ratio import Ratio, in_turns
from bench.receiver import Receiver, receiving
from bench.site import Site

_CONNECTIONS: Final = 32
_WAIT: Final = 60.0
_BOUND: Final = 10.0


async def latency(folder: Path, rounds: int, seconds: float) -> Sequence[Ratio]:
    """The 99th percentile against that of the bare endpoint's round trip at the same load."""
    site = Site.make(folder / "latency")
    ratios: list[Ratio] = []
    async with receiving() as receiver:
        with site.running() as bus, baseline("fastapi", folder) as bare:
            events = requests(bus.authorization)
            alone = (await load.closed_loop(bus.port, events, _CONNECTIONS, seconds)).rate
            site.subscribe(receiver.url, from_now=True)
            full = await _sustained(bus.port, events, receiver, seconds)
            loads = {
                f"half of the full load of {full:,.0f}/s": full / 2,
                f"half of {alone:,.0f}/s published for nobody": alone / 2,
            }
            for name, rate in loads.items():

                async def arrival(rate: float = rate) -> float:
                    sent: dict[bytes, float] = {}
                    counts = perf_counter() + load.WARM_UP
                    await load.open_loop(bus.port, _noted(events, sent), _CONNECTIONS, seconds, rate)
                    await receiver.all_of(sent, _WAIT)
                    took = [receiver.arrivals[licence] - due for licence, due in sent.items() if due >= counts]
                    return load.percentile(took, 0.99) * 1000

                async def round_trip(rate: float = rate) -> float:
                    sample = await load.open_loop(bare.port, events, _CONNECTIONS, seconds, rate)
                    return load.percentile(sample.seconds, 0.99) * 1000

                times = await in_turns({"bus": arrival, "fastapi": round_trip}, rounds)
                ratios.append(
                    Ratio(
                        f"publish to webhook, p99 at {rate:,.0f}/s, {name}",
                        "round trip of the bare FastAPI endpoint",
                        times["bus"],
                        times["fastapi"],
                        _BOUND,
                        "ms",
                        at_most=True,
                    )
                )
    return ratios


async def _sustained(port: int, events: Iterator[bytes], receiver: Receiver, seconds: float) -> float:
    """Events a second that are published and delivered."""
    sent: dict[bytes, float] = {}
    begin = perf_counter()
    await load.closed_loop(port, _noted(events, sent), _CONNECTIONS, seconds)
    await receiver.all_of(sent, _WAIT)
    return len(sent) / (perf_counter() - begin)


def _noted(requests: Iterator[bytes], sent: dict[bytes, float]) -> Iterator[bytes]:
    """The requests, with a note of when each licence was due to be sent."""
    for request in requests:
        if (licence := licence_of(request)) is not None:
            sent[licence] = perf_counter()
        yield request
