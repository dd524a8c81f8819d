"""`bus grant`: shows the grants of all contracts, suspends one, and lifts a suspension."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from bus import clock
from bus.actions import Channel, identify_operator
from bus.cli.terminal import say, say_json, say_row
from bus.cli.workspace import open_workspace
from bus.contracts import Catalogue, Contract, Waiting
from bus.delivery import GrantStops, Subscriptions

grant = typer.Typer(
    no_args_is_help=True, help="Who gets the data of which contract, until when, and what is suspended."
)

Name = Annotated[str, typer.Argument(help="the contract, such as kependudukan.penduduk")]
Consumer = Annotated[str, typer.Argument(help="the participant that has the grant")]
Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]


@grant.command("list")
def list_grants(
    contract: Annotated[str | None, typer.Option(help="grants of this contract only")] = None,
    participant: Annotated[str | None, typer.Option(help="grants of this participant only")] = None,
    suspended: Annotated[bool, typer.Option("--suspended", help="suspended grants only")] = False,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="print each as JSON")] = False,
) -> None:
    """Show the grants of the versions in force; those that end first come first.

    Example: bus grant list --participant bapenda
    """
    with _open(data) as (catalogue, _):
        every = [row for _, versions in catalogue.walk_contracts("", participant) for row in _rows(catalogue, versions)]
    found = [
        row
        for row in every
        if contract in (None, row["contract"])
        and participant in (None, row["participant"])
        and (row["state"] == "suspended" or not suspended)
    ]
    for row in sorted(found, key=lambda row: (row["until"] or "9999", row["contract"], row["participant"])):
        if as_json:
            say_json(row)
        else:
            say_row([str(value or "") for value in row.values()])


@grant.command("suspend")
def suspend_grant(
    contract: Name,
    participant: Consumer,
    reason: Annotated[str, typer.Option(help="why; the consumer reads it")],
    waiting: Annotated[
        Waiting, typer.Option(help="keep: deliveries wait until the grant is resumed; drop: they are discarded")
    ] = Waiting.KEEP,
    data: Data = None,
) -> None:
    """Stop what a participant gets under a contract. A running bus follows within a second.

    Example: bus grant suspend kependudukan.penduduk bapenda --reason "PKS sedang diperiksa" --waiting keep
    """
    with _open(data) as (_, grants):
        count = grants.suspend(contract, participant, reason, waiting, identify_operator(Channel.CLI))
    became = "wait" if waiting is Waiting.KEEP else "were dropped"
    say(f"the grant of {participant} in {contract} is suspended; {count} deliveries {became}")


@grant.command("resume")
def resume_grant(contract: Name, participant: Consumer, data: Data = None) -> None:
    """Lift a suspension. Deliveries that waited go within seconds.

    Example: bus grant resume kependudukan.penduduk bapenda
    """
    with _open(data) as (_, grants):
        count = grants.resume(contract, participant, identify_operator(Channel.CLI))
    say(f"the grant of {participant} in {contract} shows data again; {count} deliveries waited")


@contextmanager
def _open(data: Path | None) -> Iterator[tuple[Catalogue, GrantStops]]:
    """The catalogue of the bus in a data folder, and what suspends its grants."""
    with open_workspace(data) as workspace:
        catalogue = Catalogue(workspace.storage, workspace.keys.pseudonym)
        catalogue.refresh()
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        yield catalogue, GrantStops(workspace.storage, catalogue, subscriptions)


def _rows(catalogue: Catalogue, versions: list[Contract]) -> Iterator[dict[str, Any]]:
    today = clock.today()
    for contract in versions:
        for one in contract.grants:
            suspension = catalogue.find_suspension(contract.name, one.participant)
            yield {
                "until": _write_day(one.until),
                "contract": contract.name,
                "version": contract.version,
                "participant": one.participant,
                "state": "suspended" if suspension else "ended" if one.has_ended(today) else "granted",
                "by": suspension.by if suspension else None,
                "since": clock.rfc3339(suspension.since) if suspension else None,
                "reason": suspension.reason if suspension else None,
            }


def _write_day(day: date | None) -> str | None:
    return day.isoformat() if day else None
