"""`bus actions`: who changed or steered what on this bus."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bus import clock, json
from bus.actions import ActionLog, Channel, Verb, Wanted, identify_operator, make_printable, to_document
from bus.cli.workspace import open_workspace

_PAGE: Final = 500


def list_actions(
    who: Annotated[
        str | None, typer.Option(help="by this participant, client (its id), or user of the operating system")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="at this moment or later (RFC 3339; without an offset: WIB)")
    ] = None,
    until: Annotated[str | None, typer.Option(help="before this moment")] = None,
    what: Annotated[Verb | None, typer.Option(help="acts of this kind alone")] = None,
    about: Annotated[str | None, typer.Option("--object", help="about the object with this id")] = None,
    limit: Annotated[int, typer.Option(min=1, help="most lines, the newest")] = 100,
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Who changed or steered what, who tried to without the right to it, and which logins failed; newest first.

    Example: bus actions --what contract.activate --since 2026-11-01
    """
    wanted = Wanted(who, what, about, _moment(since), _moment(until))
    by = identify_operator(Channel.CLI)
    with open_workspace(data) as workspace:
        actions = ActionLog(workspace.storage)
        before: int | None = None
        while limit:
            asked = min(limit, _PAGE)
            page = actions.search(wanted, before, asked, by)
            for found in page:
                told = to_document(found)
                typer.echo(json.dumps(told).decode() if as_json else _line(told))
            if len(page) < asked:
                break
            before, limit = page[-1].id, limit - asked


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-11-24 or 2026-11-24T08:00:00+07:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.WIB)


def _line(told: dict[str, Any]) -> str:
    who = told["who"]
    by = " ".join(text for text in (who["participant"] or "(unknown)", who["client_id"], who["user"]) if text)
    times = f" ×{told['count']}" if told["count"] > 1 else ""
    changes = [f"{name} {json.dumps(told[name]).decode()}" for name in ("before", "after", "details") if told[name]]
    about = f"{told['object']['kind']} {told['object']['id']}".strip()
    columns = [told["at"], f"{by} from {told['from']}", f"{told['what']}{times}", about, told["result"], *changes]
    # Once more, whatever wrote the row: a terminal obeys what it is shown.
    return "\t".join(make_printable(column, 2000) for column in columns)
