"""`bus agency`: shows how the polls of agencies stand, and releases deletions that they hold back."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bus import clock
from bus.actions import Channel, identify_operator
from bus.agencies import Held, Holds, PollReport
from bus.cli.terminal import say, say_json, say_row
from bus.cli.workspace import open_workspace

agency = typer.Typer(no_args_is_help=True, help="The agencies that the bus polls.")

Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


@agency.command("list")
def list_agencies(data: Data = None, as_json: AsJson = False) -> None:
    """Show each poll: its last step, its rows set aside, and the deletions that it holds back.

    Example: bus agency list
    """
    with open_workspace(data) as workspace:
        reports = Holds(workspace.storage).report()
    for report in reports:
        if as_json:
            say_json(_to_document(report))
            continue
        at = clock.rfc3339(report.polled_at) if report.polled_at else "never"
        say_row([report.poll.adapter, report.poll.operation, f"polled {at}", f"{report.set_aside} rows set aside"])
        for held in report.held:
            say(f"  holds {_describe(held)}; run `bus agency release {report.poll.adapter}` if they are right")


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


def _describe(held: Held) -> str:
    return f"{held.deletions} deletions of {held.known} rows of {held.source}"


def _to_document(report: PollReport) -> dict[str, Any]:
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
    }
