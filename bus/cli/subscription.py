"""`bus subscription`: shows the subscriptions of a bus, and lets one go on that the bus disabled."""

from pathlib import Path
from typing import Annotated

import typer

from bus.actions import Channel, identify_operator
from bus.cli.terminal import say, say_json, say_row
from bus.cli.workspace import open_workspace
from bus.delivery import Deliveries, Pull, Subscription, Subscriptions, SubscriptionState

subscription = typer.Typer(no_args_is_help=True, help="Who gets which events, and where to.")


@subscription.command("list")
def list_subscriptions(
    state: Annotated[SubscriptionState | None, typer.Option(help="subscriptions in this state only")] = None,
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print each as JSON")] = False,
) -> None:
    """Show the subscriptions, oldest first. Addresses are shown without what may be secret in them.

    Example: bus subscription list --state disabled
    """
    with open_workspace(data) as workspace:
        every = Subscriptions(workspace.storage, workspace.keys).listed(None)
    found = [one for one in every if state in (None, one.state)]
    for one in found:
        if as_json:
            say_json(_describe(one))
            continue
        sink = " ".join(map(str, one.sink.told().values())) if not isinstance(one.sink, Pull) else "pull"
        say_row([one.id, one.participant, one.state.value, ",".join(one.contracts), sink, one.state.reason or ""])


@subscription.command("resume")
def resume(
    id: Annotated[str, typer.Argument(help="the subscription's id")],
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
) -> None:
    """Let the deliveries of a paused or disabled subscription go, those that waited first.

    Example: bus subscription resume sub_k3v5…
    """
    with open_workspace(data) as workspace:
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        found = subscriptions.get(id, None)
        subscriptions.set_state(found, SubscriptionState.ACTIVE, identify_operator(Channel.CLI))
    say(f"{id} is active")


@subscription.command("redrive")
def redrive(
    id: Annotated[str, typer.Argument(help="the subscription's id")],
    pending: Annotated[
        bool, typer.Option("--pending", help="also what waits for its next attempt; the sink is tried at once")
    ] = False,
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
) -> None:
    """Make the dead deliveries of a subscription due again, after its sink was mended.

    Example: bus subscription redrive sub_k3v5… --pending
    """
    by = identify_operator(Channel.CLI)
    with open_workspace(data) as workspace:
        found = Subscriptions(workspace.storage, workspace.keys).get(id, None)
        deliveries = Deliveries(workspace.storage)
        redriven = deliveries.redrive(found, by)
        hastened = deliveries.hasten(found, by) if pending else 0
    say(f"{id}: {redriven} dead deliveries are due again" + (f", and {hastened} that waited" if pending else ""))


def _describe(one: Subscription) -> dict[str, object]:
    return {
        "id": one.id,
        "participant": one.participant,
        "contracts": list(one.contracts),
        "sink": one.sink.told(),
        "state": one.state.value,
        "state_reason": one.state.reason,
    }
