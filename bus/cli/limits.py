"""`bus participant limits`: shows and changes the limits of a participant."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bus.actions import Channel, on_this_machine
from bus.cli.terminal import say_json, say_row
from bus.cli.workspace import Workspace, open_workspace
from bus.identity import Participants
from bus.limits import LimitRegister

_DEFAULT = "default"


def show_limits(
    name: Annotated[str, typer.Argument(help="the participant")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="LIMIT=VALUE, several times; the VALUE default removes the participant's own value"),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Show the limits of a participant, or change some. A running bus follows within a second.

    Example: bus participant limits bapenda --set publish=50000/10s --set subscriptions=300
    """
    changes = dict(_parse_change(text) for text in set_ or ())
    with open_workspace(data) as workspace:
        own, in_force = _change_limits(workspace, name, changes)
    if as_json:
        say_json({"participant": name, "limits": own, "in_force": in_force})
        return
    for limit, value in in_force.items():
        say_row([limit, str(value), *(["own"] if limit in own else [])])


def _parse_change(text: str) -> tuple[str, Any]:
    limit, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter("write LIMIT=VALUE, such as publish=50000/10s")
    return limit, None if value == _DEFAULT else value


def _change_limits(workspace: Workspace, name: str, changes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    Participants(workspace.storage).get(name)
    register = LimitRegister(workspace.storage, workspace.settings.limits)
    own = dict(register.of(name))
    if changes:
        register.put(name, own | changes, on_this_machine(Channel.CLI))
        own = dict(register.of(name))
    return own, register.defaults.with_own(own).values()
