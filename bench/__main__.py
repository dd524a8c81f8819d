"""`python -m bench [NAME…]`: runs the benchmarks and prints their ratios."""

import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench.backlog import backlog
from bench.batches import batches
from bench.cleanup import cleanup
from bench.console import console
from bench.contracts import contracts
from bench.disclosures import disclosures
from bench.disk import commit_seconds
from bench.feeds import feeds
from bench.latency import latency
from bench.processes import take_load_core
from bench.publish import publish
from bench.ratio import Ratio, show
from bench.scale import scale
from bench.snapshots import snapshots
from bench.waiting import waiting
from bench.webhooks import webhooks


class Name(StrEnum):
    """A benchmark."""

    PUBLISH = "publish"
    BATCHES = "batches"
    WEBHOOKS = "webhooks"
    LATENCY = "latency"
    FEEDS = "feeds"
    CONTRACTS = "contracts"
    SCALE = "scale"
    MEMORY = "memory"
    WAITING = "waiting"
    DISCLOSURES = "disclosures"
    SNAPSHOTS = "snapshots"
    CLEANUP = "cleanup"
    CONSOLE = "console"


Benchmark = Callable[[Path, int, float], Awaitable[Sequence[Ratio]]]

_BENCHMARKS: dict[Name, Benchmark] = {
    Name.PUBLISH: publish,
    Name.BATCHES: batches,
    Name.WEBHOOKS: webhooks,
    Name.LATENCY: latency,
    Name.FEEDS: feeds,
    Name.CONTRACTS: contracts,
}


def main(
    names: Annotated[list[Name] | None, typer.Argument(help="which; absent: all but the long ones")] = None,
    seconds: Annotated[float, typer.Option(min=0.2, help="of one measurement")] = 3.0,
    rounds: Annotated[int, typer.Option(min=1, help="of each comparison")] = 5,
    events: Annotated[
        int,
        typer.Option(
            min=10_000,
            help="of the long ones: events in the journal, deliveries that wait, or persons",
        ),
    ] = 1_000_000,
    readers: Annotated[int, typer.Option(min=1, help="of waiting: how many long-polls and streams")] = 10_000,
    folder: Annotated[Path | None, typer.Option(help="for data; a disk, since fsync is measured")] = None,
) -> None:
    """Run the benchmarks.

    Example: python -m bench publish --seconds 1
    """
    take_load_core()
    # Not folded to 80 columns where it goes to a file.
    screen = Console() if sys.stdout.isatty() else Console(width=160)
    with tempfile.TemporaryDirectory(prefix="bus-bench-", dir=folder) as scratch:
        screen.print(f"a commit with fsync and nothing else takes {commit_seconds(Path(scratch)) * 1000:.1f} ms here")
        long: dict[Name, Benchmark] = {
            Name.SCALE: partial(scale, events=events),
            Name.MEMORY: partial(backlog, deliveries=events),
            Name.WAITING: partial(waiting, readers=readers),
            Name.DISCLOSURES: partial(disclosures, persons=events),
            Name.SNAPSHOTS: partial(snapshots, events=events),
            Name.CLEANUP: partial(cleanup, rows=events),
            Name.CONSOLE: partial(console, events=events),
        }
        measures = {**_BENCHMARKS, **long}
        chosen = {name: measures[name] for name in names or _BENCHMARKS}
        ratios = uvloop.run(_run(chosen, Path(scratch), rounds, seconds, screen))
    show(ratios, screen)
    raise typer.Exit(0 if all(ratio.holds for ratio in ratios) else 1)


async def _run(
    chosen: Mapping[Name, Benchmark], folder: Path, rounds: int, seconds: float, screen: Console
) -> list[Ratio]:
    ratios: list[Ratio] = []
    for name, benchmark in chosen.items():
        screen.print(f"{name} …", style="dim")
        ratios += await benchmark(folder, rounds, seconds)
    return ratios


if __name__ == "__main__":
    typer.run(main)
