"""`bus deliveries`: what became of events on their way to subscribers; `bus answers`: what a sink said to them."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bus import clock
from bus.actions import Channel, identify_operator
from bus.cli.terminal import say, say_json, say_row
from bus.cli.workspace import open_workspace
from bus.contracts import Catalogue
from bus.delivery import Answers, Deliveries, Delivery, DeliveryState, DeliveryUnknown, Subscriptions
from bus.disclosures import DisclosureLog
from bus.identity import Participants
from bus.journal import JournalReader, Persons

_STATES: Final = {state.name.lower(): state for state in DeliveryState}
Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="print each as JSON")]


def list_deliveries(
    subscription: Annotated[str | None, typer.Option(help="of the subscription with this id only")] = None,
    participant: Annotated[str | None, typer.Option(help="of this participant's subscriptions only")] = None,
    state: Annotated[str | None, typer.Option(help=f"in this state only: {', '.join(_STATES)}")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="most lines")] = 100,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show deliveries, by subscription and position, each with its last failed attempt.

    Example: bus deliveries --participant bapenda --state dead
    """
    if state is not None and state not in _STATES:
        raise typer.BadParameter(f"states are {', '.join(_STATES)}")
    with open_workspace(data) as workspace:
        if participant is not None:
            Participants(workspace.storage).get(participant)
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        of = subscriptions.listed(participant) if subscription is None else [subscriptions.get(subscription, None)]
        wanted = None if state is None else _STATES[state]
        found = Deliveries(workspace.storage).listed(of, wanted, (0, 0), limit)
    if not found:
        say("There are no such deliveries.", err=True)
    for one in found:
        if as_json:
            say_json(_describe(one))
            continue
        failed = one.failures[-1] if one.failures else None
        due = f"next {clock.rfc3339(one.next_attempt)}" if one.next_attempt else ""
        said = f"{clock.rfc3339(failed.at)} {failed.detail}" if failed else ""
        say_row([one.id, one.state.name.lower(), f"{one.attempts} tries", due, said])


def show_answers(
    id: Annotated[str, typer.Argument(help="the delivery's id: its subscription's id, a dot and the position")],
    reason: Annotated[str, typer.Option(help="why you look; the action log and a disclosure keep it")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show what a sink answered to the attempts of a delivery that failed. It may repeat personal data: your look is disclosed.

    Example: bus answers sub_k3v5….812 --reason "bapenda answers 500 since 02:10"
    """
    of, _, position = id.rpartition(".")
    if not (position.isascii() and position.isdecimal()):
        raise DeliveryUnknown("A delivery's id is its subscription's id, a dot and a position.")
    with open_workspace(data) as workspace:
        storage, keys = workspace.storage, workspace.keys
        catalogue = Catalogue(storage, keys.pseudonym)
        catalogue.refresh()
        disclosures = DisclosureLog(storage, Persons(storage))
        answers = Answers(storage, keys, JournalReader(storage), catalogue, disclosures)
        subscription = Subscriptions(storage, keys).get(of, None)
        found = answers.open(subscription, int(position), identify_operator(Channel.CLI), reason)
    if not found:
        say("No attempt of this delivery failed, or there is no such delivery: see bus deliveries.", err=True)
    for one in found:
        if as_json:
            say_json({"number": one.number, "at": clock.rfc3339(one.at), "status": one.status, "text": one.text})
        else:
            say(f"{one.number}  {clock.rfc3339(one.at)}  {one.status or 'no answer'}  {one.text or ''}")


def _describe(one: Delivery) -> dict[str, Any]:
    return {
        "id": one.id,
        "subscription": one.subscription,
        "position": one.position,
        "state": one.state.name.lower(),
        "tries": one.attempts,
        "next_attempt": clock.rfc3339(one.next_attempt) if one.next_attempt else None,
        "finished_at": clock.rfc3339(one.finished_at) if one.finished_at else None,
        "status": one.status,
        "attempts": [
            {
                "number": failed.number,
                "at": clock.rfc3339(failed.at),
                "failure": failed.failure,
                "status": failed.status,
                "detail": failed.detail,
            }
            for failed in one.failures
        ],
    }
