"""`bus agency`: shows how agencies stand, releases deletions that polls hold back, and pauses agencies."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bus import clock
from bus.actions import Channel, identify_operator
from bus.agencies import (
    Declared,
    Held,
    Holds,
    KnownAgency,
    NoSuchAgency,
    OpenCircuits,
    Pause,
    Pauses,
    PollFailure,
    PollReport,
    QuotaLedger,
    find_factory,
    list_configured,
    list_names,
    list_polls,
    read_declared,
)
from bus.cli.terminal import say, say_json, say_row
from bus.cli.workspace import open_workspace
from bus.status import describe_poll_failure, name_circuit

agency = typer.Typer(no_args_is_help=True, help="The agencies that the bus polls, asks and delivers to.")

Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


@agency.command("list")
def list_agencies(data: Data = None, as_json: AsJson = False) -> None:
    """Show each poll: its last step, last failure, rows set aside, and held deletions; circuits, quotas, and pauses.

    Example: bus agency list
    """
    with open_workspace(data) as workspace:
        polls = list_polls(workspace.settings.adapters, read_declared(workspace.storage))
        reports, pauses = Holds(workspace.storage).report(polls), Pauses(workspace.storage).list()
        known = list_configured(
            workspace.settings.adapters, QuotaLedger(workspace.storage), OpenCircuits(workspace.storage)
        )
    if not reports and not pauses and not known and not as_json:
        say("no agency is polled, and none is paused")
    for report in reports:
        if as_json:
            say_json(_to_document(report))
            continue
        at = clock.rfc3339(report.polled_at) if report.polled_at else "never"
        say_row([report.poll.adapter, report.poll.operation, f"polled {at}", f"{report.set_aside} rows set aside"])
        if report.failure is not None:
            say(f"  {_describe_failure(report.failure)}")
        elif not report.polled_at:
            say("  no step ended yet; does a process with the role adapters run?")
        for held in report.held:
            say(f"  holds {_describe(held)}; run `bus agency release {report.poll.adapter}` if they are right")
    for known_one in known:
        if as_json:
            say_json(_to_known_document(known_one))
            continue
        if known_one.off is not None:
            say(f"{known_one.name} is off: {known_one.off}")
        if known_one.quota_daily is not None:
            say(f"{known_one.name} quota {known_one.quota_left} of {known_one.quota_daily} calls left today")
        if known_one.is_left_in_peace:
            say(f"{known_one.name} does not answer questions; the bus leaves it in peace")
    for one in pauses:
        if as_json:
            say_json(_to_pause_document(one))
        else:
            say(f"{_name(one.agency, one.operation)} paused {clock.rfc3339(one.since)} by {one.by}: {one.reason}")


@agency.command("release")
def release(
    name: Annotated[str, typer.Argument(metavar="AGENCY", help="the adapter's name, such as kominfo")],
    operation: Annotated[str | None, typer.Option(help="of this poll alone; absent: of all the agency's polls")] = None,
    data: Data = None,
) -> None:
    """Let polls make the deletions that they hold back. A running bus does so within seconds.

    Compare the agency's list first: `bus agency list` says how many rows are gone. Should more be gone by then, the poll
    holds again.

    Example: bus agency release kominfo --operation indikator
    """
    with open_workspace(data) as workspace:
        released = Holds(workspace.storage).release(name, identify_operator(Channel.CLI), operation)
    for held in released:
        say(f"released {_describe(held)}")


@agency.command("pause")
def pause(
    name: Annotated[str, typer.Argument(metavar="AGENCY", help="the adapter's name, such as kominfo")],
    reason: Annotated[str, typer.Option(help="why; whoever asks the agency reads it")],
    operation: Annotated[str | None, typer.Argument(help="this operation alone; absent: the whole agency")] = None,
    data: Data = None,
) -> None:
    """Leave an agency in peace: deliveries and polls wait, questions are refused. A running bus follows within a second.

    Example: bus agency pause kominfo katalog --reason "pemeliharaan SPLP sampai pukul 22"
    """
    with open_workspace(data) as workspace:
        _check_known(name, operation, read_declared(workspace.storage))
        Pauses(workspace.storage).pause(name, operation, reason, identify_operator(Channel.CLI))
    say(f"{_name(name, operation)} is paused; `bus agency resume` ends it")


@agency.command("resume")
def resume(
    name: Annotated[str, typer.Argument(metavar="AGENCY", help="the adapter's name, such as kominfo")],
    operation: Annotated[str | None, typer.Argument(help="the operation that was paused alone")] = None,
    data: Data = None,
) -> None:
    """End a pause. What waited goes within seconds.

    Example: bus agency resume kominfo katalog
    """
    with open_workspace(data) as workspace:
        Pauses(workspace.storage).resume(name, operation, identify_operator(Channel.CLI))
    say(f"{_name(name, operation)} goes on")


def _check_known(name: str, operation: str | None, declared: Declared) -> None:
    """Refuse a pause of something that no adapter has: a mistyped name would stop nothing."""
    known = list_names(declared)
    if name not in known:
        raise NoSuchAgency(f"No adapter {name} is known here; there are {', '.join(known)}.")
    factory = find_factory(name, declared)
    names = [one.name for one in factory.operations] if factory else []
    if operation is not None and operation not in names:
        raise NoSuchAgency(f"{name} has no operation {operation}; it has {', '.join(names)}.")


def _name(agency: str, operation: str | None) -> str:
    return agency if operation is None else f"{agency}/{operation}"


def _describe_failure(failure: PollFailure) -> str:
    what = f"{failure.kind.value}: {failure.detail}"
    if failure.since is None:
        return f"failed last {clock.rfc3339(failure.at)}, and ended well since; {what}"
    return f"fails since {clock.rfc3339(failure.since)}, {failure.in_a_row} in a row, last {clock.rfc3339(failure.at)}; {what}"


def _describe(held: Held) -> str:
    return f"{held.deletions} deletions of {held.known} rows of {held.source}"


def _to_document(report: PollReport) -> dict[str, Any]:
    failure = report.failure
    return {
        "agency": report.poll.adapter,
        "operation": report.poll.operation,
        "polled_at": clock.rfc3339(report.polled_at) if report.polled_at else None,
        "set_aside": report.set_aside,
        "held": [
            {
                "source": held.source,
                "deletions": held.deletions,
                "known": held.known,
                "since": clock.rfc3339(clock.moment(held.since)),
                "released": held.released,
            }
            for held in report.held
        ],
        "last_failure": None if failure is None else _to_failure_document(failure),
    }


def _to_failure_document(failure: PollFailure) -> dict[str, Any]:
    told = describe_poll_failure(failure)
    return {name: clock.rfc3339(value) if isinstance(value, datetime) else value for name, value in told.items()}


def _to_known_document(known: KnownAgency) -> dict[str, Any]:
    quota = None if known.quota_daily is None else {"daily": known.quota_daily, "left": known.quota_left}
    circuit = name_circuit(is_open=known.is_left_in_peace)
    return {"agency": known.name, "off": known.off, "quota": quota, "question_circuit": circuit}


def _to_pause_document(pause: Pause) -> dict[str, Any]:
    since = clock.rfc3339(pause.since)
    told = {"reason": pause.reason, "by": pause.by, "since": since}
    return {"agency": pause.agency, "operation": pause.operation, "paused": told}
