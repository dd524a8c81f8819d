"""`bus actions`: shows the action log."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bus import json
from bus.actions import ActionLog, Channel, Verb, Wanted, identify_operator, make_printable, to_document
from bus.cli.moments import parse_moment
from bus.cli.workspace import open_workspace

_PAGE: Final = 500


def list_actions(
    who: Annotated[
        str | None, typer.Option(help="acts of this participant, client id, or user of the operating system")
    ] = None,
    since: Annotated[str | None, typer.Option(help="acts from this time on (RFC 3339; without an offset: WIB)")] = None,
    until: Annotated[str | None, typer.Option(help="acts before this time")] = None,
    what: Annotated[Verb | None, typer.Option(help="acts of this kind only")] = None,
    about: Annotated[str | None, typer.Option("--object", help="acts on the object with this id")] = None,
    limit: Annotated[int, typer.Option(min=1, help="most lines; the newest come first")] = 100,
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Show who changed what, which acts the bus refused, and which logins failed; newest first.

    Example: bus actions --what contract.activate --since 2026-11-01
    """
    wanted = Wanted(who, what, about, parse_moment(since), parse_moment(until))
    by = identify_operator(Channel.CLI)
    with open_workspace(data) as workspace:
        actions = ActionLog(workspace.storage)
        before: int | None = None
        while limit:
            asked = min(limit, _PAGE)
            page = actions.search(wanted, before, asked, by)
            for found in page:
                told = to_document(found)
                typer.echo(json.dumps(told).decode() if as_json else _write_line(told))
            if len(page) < asked:
                break
            before, limit = page[-1].id, limit - asked


def _write_line(told: dict[str, Any]) -> str:
    who = told["who"]
    by = " ".join(text for text in (who["participant"] or "(unknown)", who["client_id"], who["user"]) if text)
    times = f" ×{told['count']}" if told["count"] > 1 else ""
    changes = [f"{name} {json.dumps(told[name]).decode()}" for name in ("before", "after", "details") if told[name]]
    about = f"{told['object']['kind']} {told['object']['id']}".strip()
    columns = [told["at"], f"{by} from {told['from']}", f"{told['what']}{times}", about, told["result"], *changes]
    # A terminal obeys control characters. The log escapes them, but an older version may have written the row.
    return "\t".join(make_printable(column, 2000) for column in columns)
