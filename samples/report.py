"""Writes what the demo shows: the flows, the refusals, the addresses, and commands to try by hand."""

import json
from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from samples.by_hand import write_commands
from samples.flow import Verdict
from samples.stage import Stage
from samples.watch import Picture, Refusal

_FEW = 3
_WIDE = 110
"""Characters of a terminal in which each flow has one line."""


def make_tables(picture: Picture, width: int) -> RenderableType:
    """Both tables, for a terminal: as wide as it is, with cells that wrap."""
    return Group(_make_flow_table(picture.verdicts, width), Text(), _make_refusal_table(picture.refusals), Text())


def write_summary(picture: Picture) -> str:
    """The sum in one line: `812 of 812 expected arrivals, 17 bad events refused, 0 wrong`."""
    arrived = sum(verdict.arrived for verdict in picture.verdicts)
    expected = sum(len(verdict.flow.wanted) for verdict in picture.verdicts)
    refused = sum(bad.answer is not None for bad in picture.refusals)
    return f"{arrived} of {expected} expected arrivals, {refused} bad events refused, {len(picture.wrong)} wrong"


def write_lines(picture: Picture) -> Iterable[str]:
    """Both tables as plain lines, for a log."""
    for verdict in picture.verdicts:
        yield "flow: " + "  ".join(_make_row(verdict))
    for bad in picture.refusals:
        yield f"refused: {bad.office}  {bad.contract}  {bad.why}  -> {bad.answer or 'TAKEN'}"
    yield write_summary(picture)


def write_faults(picture: Picture) -> Iterable[str]:
    """A line for everything that is wrong or missing."""
    yield from (f"wrong: {text}" for text in picture.wrong)
    yield from (f"missing: {text}" for text in picture.missing)


def write_addresses(stage: Stage) -> Iterable[str]:
    """All addresses and folders."""
    yield f"bus        {stage.bus}   (documentation: {stage.bus}/docs, metrics: {stage.bus}/metrics)"
    yield f"console    {stage.console}   (opens once)"
    for agency, address in stage.simulators.items():
        yield f"simulator  {address}/_simulator   {agency}: what it got, and its faults"
    for office, address in stage.apps.items():
        yield f"app        {address}/inbox   {office}"
    yield f"data, logs {stage.folder}"
    yield "admin      " + json.dumps({"client_id": stage.admin.client_id, "client_secret": stage.admin.client_secret})


def write_trials(stage: Stage) -> Iterable[str]:
    """Commands to copy."""
    yield ""
    yield "Try the bus by hand, as the office dinas-kominfo (copy and paste):"
    yield from write_commands(stage)


def show(console: Console, texts: Iterable[str]) -> None:
    """Print lines without wrapping and colours, so that a user can copy a command."""
    for text in texts:
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def _make_flow_table(verdicts: Sequence[Verdict], width: int) -> Table:
    table = Table(title="What flowed where", title_justify="left", box=None, collapse_padding=True, pad_edge=False)
    for name in ("from", "contract", "to"):
        table.add_column(name, overflow="fold")
    table.add_column("by", no_wrap=True)
    for name in ("sent", "due", "came", "wrong"):
        table.add_column(name, justify="right")
    for verdict in verdicts:
        style = "red" if verdict.wrong else "green" if verdict.is_complete else "yellow"
        publishers, contract, *rest = _make_row(verdict)
        # A name of a contract is broken behind its domain rather than anywhere.
        shown = contract.replace(".", ".\n") if width < _WIDE else contract
        table.add_row(publishers, shown, *rest, style=style)
    return table


def _make_row(verdict: Verdict) -> tuple[str, ...]:
    flow = verdict.flow
    publishers = ", ".join(flow.publishers) if len(flow.publishers) <= _FEW else f"{len(flow.publishers)} offices"
    counts = (flow.published, len(flow.wanted), verdict.arrived, len(verdict.wrong))
    return (publishers, flow.contract, flow.consumer, flow.way.value, *map(str, counts))


def _make_refusal_table(refusals: Sequence[Refusal]) -> Table:
    table = Table(title="What was refused", title_justify="left", box=None, expand=True)
    for name, ratio in (("from", 2), ("contract", 2), ("what was wrong", 3), ("the bus said", 5)):
        table.add_column(name, overflow="fold", ratio=ratio)
    for bad in refusals:
        table.add_row(bad.office, bad.contract, bad.why, Text(bad.answer or "TAKEN"))
    return table
