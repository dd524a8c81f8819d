"""`make run`: regency data flow between sample apps and five simulated agencies, on a bus of the demo's own.

With `--once` it ends by itself: with 0 if every expected delivery arrived at its receiver, else with 1.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from shutil import rmtree
from types import FrameType
from typing import Final

from rich.console import Console

from bus.kit import FaultUnfit, SimulatedFaults, Simulator
from samples import report
from samples.children import ChildFailed, Children
from samples.offices import AGENCIES
from samples.screen import Screen, open_screen
from samples.stage import CommandFailed, set_up
from samples.watch import Picture, Watch

PAUSE: Final = 5.0
"""Seconds between two rounds of traffic after the beginning."""

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_SECONDS: Final = 1.0
_LOOK_SHARE: Final = 0.1
"""Most of the time, as a share, that looks may take: after hours there is much to see."""
_PAUSE_LONGEST: Final = 4.0
"""Most seconds between two looks, however long a look takes: at the start, a busy machine slows it down."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo, and return its exit code."""
    options = _make_parser().parse_args(arguments)
    for number in _ENDING:
        signal.signal(number, _interrupt)
    console = Console()
    folder = Path(tempfile.mkdtemp(prefix="bus-samples-"))
    console.print(f"data and logs: {folder}", soft_wrap=True, highlight=False)
    console.print("starting simulators, bus and sample apps; please wait")
    try:
        fine = _run_demo(console, folder, options)
    except KeyboardInterrupt:
        console.print("stopped")
        rmtree(folder)
        return int(options.once)
    except (ChildFailed, CommandFailed) as failed:
        console.print(str(failed), markup=False, style="red", soft_wrap=True)
        fine = False
    if fine:
        rmtree(folder)
    else:
        console.print(f"logs: {folder / 'logs'}", soft_wrap=True, highlight=False)
    return 0 if fine else 1


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m samples.run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end once everything arrived, or after --within")
    parser.add_argument("--within", type=float, default=120.0, help="most seconds for --once (default: 120)")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        type=_parse_fault,
        metavar="AGENCY:FAULT",
        help="switch on a simulator's fault, such as pupr:down or pupr:latency:seconds=2,share=0.5",
    )
    return parser


def _parse_fault(text: str) -> str:
    agency, _, fault = text.partition(":")
    if agency not in AGENCIES or not fault:
        raise argparse.ArgumentTypeError(f"{text!r} should be AGENCY:FAULT, with one of {', '.join(AGENCIES)}")
    simulator: Simulator = entry_points(group="bus.simulators")[agency].load()
    try:
        SimulatedFaults(simulator.faults, [fault])
    except FaultUnfit as unfit:
        raise argparse.ArgumentTypeError(f"{agency}: {unfit.detail}") from None
    return text


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End the demo in order. It ignores a second Ctrl-C, since the end of its processes has a bound of its own."""
    for ending in _ENDING:
        signal.signal(ending, signal.SIG_IGN)
    if number == signal.SIGHUP:
        # The terminal is gone, and what is written there fails: the demo would end before it removes its folder.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
    raise KeyboardInterrupt


def _run_demo(console: Console, folder: Path, options: argparse.Namespace) -> bool:
    logs = folder / "logs"
    logs.mkdir()
    with Children(logs) as children:
        stage = set_up(folder, children, faults=options.fault, pause=None if options.once else PAUSE)
        introduction = list(report.write_addresses(stage))
        if not options.once:
            introduction += report.write_trials(stage)
        watch = Watch(stage, alone=options.once)
        with open_screen(console, introduction) as screen:
            picture = _watch(watch, children, screen, options.within if options.once else None)
            screen.end(picture)
    report.show(console, report.write_faults(picture))
    return picture.is_complete


def _watch(watch: Watch, children: Children, screen: Screen, within: float | None) -> Picture:
    """Look until everything arrived, or until the time is over. Without a bound, look until a signal."""
    deadline = None if within is None else time.monotonic() + within
    while True:
        children.check()
        begun = time.monotonic()
        picture = watch.look()
        screen.show(picture)
        if deadline is not None and (picture.is_complete or picture.wrong or time.monotonic() > deadline):
            return picture
        time.sleep(min(max(_LOOK_SECONDS, (time.monotonic() - begun) / _LOOK_SHARE), _PAUSE_LONGEST))


if __name__ == "__main__":
    sys.exit(main())
