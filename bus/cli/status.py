"""`bus status`: who does not get what, and since when."""

import shutil
import textwrap
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bus.agencies import OpenCircuits, QuotaLedger, list_configured, list_polls, read_declared
from bus.cli.terminal import say, say_json
from bus.cli.workspace import open_workspace
from bus.contracts import Catalogue
from bus.delivery import MOST, Subscriptions
from bus.status import StatusReader, describe_status

_CLEAR: Final = "\x1b[2J\x1b[H"
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60))
_GIBIBYTE: Final = 1024**3
_SCARCE: Final = 0.05
"""Share of the disk that is free, below which somebody should make room."""
_HANGING: Final = 6
"""Blanks before what does not fit on a line."""
_LATE_SECONDS: Final = 5.0
"""Age of the oldest event from which on a relay that lives would have taken it."""


def show_status(
    watch: Annotated[bool, typer.Option("--watch", help="show it again and again; Ctrl-C ends it")] = False,
    seconds: Annotated[float, typer.Option(min=0.5, help="with --watch: seconds between two looks")] = 2.0,
    troubled: Annotated[bool, typer.Option("--troubled", help="only what somebody should look at")] = False,
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, as GET /v1/status has it")] = False,
) -> None:
    """Show who does not get what, and since when: subscribers, agencies, producers, and the bus itself.

    Example: bus status --watch
    """
    with open_workspace(data) as workspace:
        catalogue = Catalogue(workspace.storage, workspace.keys.pseudonym)
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        reader = StatusReader(workspace.storage, subscriptions, catalogue, workspace.settings.data_dir)
        quotas, circuits = QuotaLedger(workspace.storage), OpenCircuits(workspace.storage)
        while True:
            catalogue.refresh()
            polls = list_polls(workspace.settings.adapters, read_declared(workspace.storage))
            known = list_configured(workspace.settings.adapters, quotas, circuits)
            found = describe_status(reader.read(polls=polls, known=known))
            if watch and not as_json:
                typer.echo(_CLEAR, nl=False)
            columns = shutil.get_terminal_size().columns if watch else None
            _show(found, is_troubled_only=troubled, as_json=as_json, columns=columns)
            if not watch:
                return
            try:
                time.sleep(seconds)
            except KeyboardInterrupt:
                return


def _show(found: dict[str, Any], *, is_troubled_only: bool, as_json: bool, columns: int | None) -> None:
    if as_json:
        say_json(found)
        return
    lines = write_lines(found, is_troubled_only=is_troubled_only)
    for line in lines if columns is None else wrap_lines(lines, columns):
        say(line)


def wrap_lines(lines: Iterable[str], columns: int) -> Iterator[str]:
    """The lines, each broken between words so that none is wider than the terminal. A longer word keeps its line."""
    for line in lines:
        yield from textwrap.wrap(
            line, columns, subsequent_indent=" " * _HANGING, break_long_words=False, break_on_hyphens=False
        )


def write_lines(found: dict[str, Any], *, is_troubled_only: bool = False) -> Iterator[str]:
    """The lines of a status for people, what is wrong first in each part; the members are those of `describe_status`."""
    now = found["at"]
    if found["bus"] is not None:
        yield from _write_bus(found["bus"], found["version"])
    for one in found["subscribers"]:
        if one["troubled"] or not is_troubled_only:
            yield from _write_subscriber(one, now)
    for one in found["agency_states"]:
        if one["troubled"] or not is_troubled_only:
            yield from _write_agency(one, now)
    for one in found["agencies"]:
        if one["troubled"] or not is_troubled_only:
            polled = f"polled {_ago(one['polled_at'], now)}" if one["polled_at"] else "never polled"
            yield f"{_mark(one)} agency {one['agency']}/{one['operation']}: {polled}, {one['set_aside']} rows set aside"
            if failure := one["last_failure"]:
                yield _write_poll_failure(failure, now)
            if one["held"]:
                yield f"    {one['held']} deletions wait for your word: bus agency release {one['agency']}"
    for one in found["pauses"]:
        what = f"{one['agency']}/{one['operation']}" if one["operation"] else one["agency"]
        yield f"! agency {what}: paused {_ago(one['since'], now)} by {one['by']}: {one['reason']}"
    for one in found["producers"]:
        if one["silent"] or not is_troubled_only:
            yield from _write_producer(one, now)
    for one in found["refused"]:
        yield (
            f"! refused in the last day: {one['events']} events of {one['participant']}, {one['contract'] or 'no contract'}, "
            f"last {_ago(one['last_at'], now)}: bus refusals"
        )


def _write_bus(bus: dict[str, Any], version: str) -> Iterator[str]:
    roles = sorted({role for one in bus["processes"] for role in one["roles"]})
    disk = f"{bus['disk_free'] / _GIBIBYTE:.1f} of {bus['disk_total'] / _GIBIBYTE:.1f} GiB free"
    yield f"bus {version}: position {bus['position']}, disk {disk}, delivering: {', '.join(roles) or 'no process'}"
    if bus["disk_free"] < bus["disk_total"] * _SCARCE:
        yield "! the disk of the data folder is nearly full: make room; when it is full, publishers get 507"
    if bus["relay_events"]:
        late = "; does a process with the role relay run?" if bus["relay_seconds"] >= _LATE_SECONDS else ""
        yield f"! the relay is {bus['relay_events']} events behind, the oldest for {bus['relay_seconds']:.0f} s{late}"
    if bus["unattended"]:
        yield f"! deliveries wait and no process lives for: {', '.join(bus['unattended'])}"


def _write_subscriber(one: dict[str, Any], now: datetime) -> Iterator[str]:
    waits = f" since {_ago(one['waiting_since'], now)}" if one["waiting_since"] else ""
    yield (
        f"{_mark(one)} {one['participant']} {one['subscription']} {one['sink']} ({one['state']}): "
        f"{_count(one['pending'])} waiting{waits}, {_count(one['dead'])} dead, "
        f"last success {_ago(one['last_success'], now)}"
    )
    if one["failing_since"]:
        failure = one["last_failure"]
        yield f"    fails since {_ago(one['failing_since'], now)}: {failure['detail'] or failure['failure']}"
        # The name of an agency's sink has a slash. An agency's answers are not kept: its adapter says what they mean.
        if failure["status"] is not None and "/" not in one["sink"]:
            yield f"    its words: bus deliveries --subscription {one['subscription']}, then bus answers DELIVERY --reason WHY"
    if one["circuit"] == "open":
        yield (
            f"    left in peace since {_ago(one['circuit_since'], now)}; mended? "
            f"bus subscription redrive {one['subscription']} --pending"
        )
    elif one["failing_since"] and one["pending"] and one["state"] == "active":
        # Each delivery waits for an attempt of its own, the last one for hours.
        yield f"    mended? bus subscription redrive {one['subscription']} --pending"
    elif one["dead"]:
        yield f"    mended? bus subscription redrive {one['subscription']}"
    elif one["state"] != "active" and one["pending"]:
        yield f"    mended? bus subscription resume {one['subscription']}"
    for contract in one["ungranted"]:
        yield f"    its grant in {contract} has ended: nothing new comes; bus grant list --contract {contract}"
    for contract in one["suspended"]:
        yield (
            f"    its grant in {contract} is suspended: bus grant list --suspended says why; over? "
            f"bus grant resume {contract} {one['participant']}"
        )


def _write_agency(one: dict[str, Any], now: datetime) -> Iterator[str]:
    quota = "" if one["quota_daily"] is None else f", quota {one['quota_left']} of {one['quota_daily']} left today"
    yield f"{_mark(one)} agency {one['agency']}: last success {_ago(one['last_success'], now)}{quota}"
    # Pauses, rows set aside and held deletions have lines of their own, since they may be of one operation.
    if one["state"] == "off":
        yield f"    off: {one['why']}"
    failure = one["last_failure"]
    if failure is not None:
        yield f"    last failure {_ago(failure['at'], now)}: {failure['detail'] or failure['failure']}"
    for what in ("delivery", "question"):
        if one[f"{what}_circuit"] == "open":
            yield f"    {what} circuit open: the bus leaves it in peace"


def _write_poll_failure(failure: dict[str, Any], now: datetime) -> str:
    if failure["since"] is None:
        return f"    failed {_ago(failure['at'], now)}, and ended well since: {failure['detail']}"
    if failure["kind"] == "unbound":
        return f"    rests: {failure['detail']}"
    count = f"{failure['in_a_row']} in a row, last {_ago(failure['at'], now)}"
    return f"    fails since {_ago(failure['since'], now)} ({count}), {failure['kind']}: {failure['detail']}"


def _write_producer(one: dict[str, Any], now: datetime) -> Iterator[str]:
    last = f"last event {_ago(one['last_event'], now)}, of {one['participant']}" if one["last_event"] else "no event"
    if one["silent"]:
        yield f"! {one['contract']}: {last}; {', '.join(one['silent'])} should send within {one['fresh_hours']} h"
    else:
        yield f"  {one['contract']}: {last}"


def _mark(one: dict[str, Any]) -> str:
    return "!" if one["troubled"] else " "


def _count(number: int) -> str:
    return f"{number} or more" if number >= MOST else str(number)


def _ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, roughly: `3 h ago`."""
    if moment is None:
        return "never"
    seconds = max(0.0, (now - moment) / timedelta(seconds=1))
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
