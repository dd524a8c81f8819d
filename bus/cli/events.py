"""`bus events` and `bus refusals`: what was accepted and what was refused of late; never what is in an event."""

from pathlib import Path
from typing import Annotated, Final

import typer

from bus import clock
from bus.cli.moments import parse_moment
from bus.cli.terminal import say, say_json, say_row
from bus.cli.workspace import open_workspace
from bus.contracts import Catalogue, NoSuchContract
from bus.identity import Participants
from bus.journal import JournalReader, PlacedEvent
from bus.refusals import RefusalLog

_NEWEST: Final = 2**62
Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="print each as JSON")]


def list_events(
    contract: Annotated[str | None, typer.Option(help="events of this contract only")] = None,
    participant: Annotated[
        str | None, typer.Option(help="of the events that are looked at, those of this sender")
    ] = None,
    before: Annotated[int, typer.Option(min=1, help="events before this position only", show_default=False)] = _NEWEST,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="how many events are looked at, the newest first")] = 50,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show where the newest events are, who sent them and when; not what is in them.

    Example: bus events --contract perizinan.izin --limit 10
    """
    with open_workspace(data) as workspace:
        catalogue = Catalogue(workspace.storage, workspace.keys.pseudonym)
        catalogue.refresh()
        number = None if contract is None else catalogue.number_of(contract)
        if contract is not None and number is None:
            raise NoSuchContract(f"There is no contract {contract}.")
        if participant is not None:
            Participants(workspace.storage).get(participant)
        found = JournalReader(workspace.storage).find_last(number, before, limit)
        names = {one.contract_id: catalogue.name_of(one.contract_id) or "" for one in found}
    found = [one for one in found if participant in (None, one.participant)]
    if not found:
        say("There are no such events among those that were looked at.", err=True)
    for one in found:
        _print_event(one, names[one.contract_id], as_json=as_json)


def _print_event(one: PlacedEvent, contract: str, *, as_json: bool) -> None:
    at = clock.rfc3339(clock.moment(one.recorded_at))
    if as_json:
        say_json({"position": one.position, "contract": contract, "participant": one.participant, "recorded_at": at})
    else:
        say_row([str(one.position), at, contract, one.participant])


def list_refusals(
    contract: Annotated[str | None, typer.Option(help="refusals under this contract only")] = None,
    participant: Annotated[
        str | None, typer.Option(help="refusals of this sender, or of contracts that it owns")
    ] = None,
    since: Annotated[str | None, typer.Option(help="from this time on (RFC 3339; without an offset: WIB)")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="most lines; the newest come first")] = 50,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show what was refused at publishing, by hour, sender, rule and place; newest first.

    Example: bus refusals --participant dpmptsp --since 2026-11-01
    """
    with open_workspace(data) as workspace:
        if participant is not None:
            Participants(workspace.storage).get(participant)
        log = RefusalLog(workspace.storage)
        found = log.search(contract, participant, since=parse_moment(since), limit=limit)
    if not found:
        say("Nothing was refused.", err=True)
    for one in found:
        refusal, last = one.refusal, clock.rfc3339(one.last_at)
        if as_json:
            told = {"contract": refusal.contract or None, "version": refusal.version or None}
            who = {"participant": refusal.participant, "client_id": refusal.client_id}
            why = {"rule": refusal.rule, "pointer": refusal.pointer, "count": one.count, "last_at": last}
            say_json({**told, **who, **why})
        else:
            about = refusal.contract or "(no contract)"
            place = f"{refusal.rule} at {refusal.pointer or '(event)'}"
            say_row([last, str(one.count), refusal.participant, about, place])
