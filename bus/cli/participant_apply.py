"""`bus participant apply`: makes the bus know every participant of a list, and changes nothing that is right already."""

from pathlib import Path
from typing import Annotated, Final

import typer

from bus import shipped
from bus.actions import Channel, identify_operator
from bus.cli.terminal import say
from bus.cli.workspace import open_workspace
from bus.identity import carry_out_roster, plan_roster, read_roster
from bus.problem import Refused

_LARGEST: Final = 1024 * 1024


class RosterUnreadable(Refused):
    """The list of participants cannot be read as a file; check its path, its rights and its size."""

    slug = "roster-unreadable"


def apply_participants(
    path: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="YAML or JSON: `participants`, each with name, kind, title")
    ] = None,
    is_shipped: Annotated[
        bool, typer.Option("--shipped", help="use the offices and agencies of the shipped contracts")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the plan and change nothing")] = False,
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
) -> None:
    """Add the participants of a list, and correct their kinds and titles: all or none.

    It never removes a participant. It names all mistakes of the list at once.

    Example: bus participant apply participants.yaml --dry-run

    Example: bus participant apply --shipped
    """
    if (path is None) == (not is_shipped):
        raise typer.BadParameter("give either a file or --shipped")
    # Most commands on participants read no YAML, and this import takes longer than they do.
    from bus.contracts import read_yaml

    participants = read_roster(read_yaml(_read(path or shipped.PARTICIPANTS)))
    with open_workspace(data) as workspace:
        steps = plan_roster(workspace.storage, participants)
        for step in steps:
            say(str(step))
        changing = [step for step in steps if step.changes_anything]
        if not changing:
            say("nothing to do")
        elif dry_run:
            say("nothing was changed")
        else:
            carry_out_roster(workspace.storage, changing, identify_operator(Channel.CLI))
            say(f"applied {len(changing)} of {len(steps)} participants")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except OSError as error:
        raise RosterUnreadable(f"{path}: {error.strerror}") from None
    if len(text) > _LARGEST:
        raise RosterUnreadable(f"{path} is larger than {_LARGEST} bytes; split the list.")
    return text
