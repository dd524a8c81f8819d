"""`bus disclosures`: shows who received personal data, or exports it for the auditor."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from bus import json
from bus.actions import ActionLog, Channel, identify_operator, make_printable
from bus.cli.moments import parse_moment
from bus.cli.workspace import open_workspace
from bus.contracts import Catalogue, NoSuchContract
from bus.disclosures import DisclosureLog, Found, Looks, Wanted, check_reason, to_document, write_line
from bus.journal import Persons

_PAGE: Final = 500
_STANDARD: Final = "-"
"""Standard input of a person's identifier, standard output of an export."""


def list_disclosures(
    subject: Annotated[
        str | None,
        typer.Option(help="whose data; '-' reads the identifier from standard input, so that no history keeps it"),
    ] = None,
    reason: Annotated[str, typer.Option(help="why you search for a person, on one line; the person may read it")] = "",
    participant: Annotated[str | None, typer.Option(help="who received them")] = None,
    client: Annotated[str | None, typer.Option(help="the id of the client that asked for them")] = None,
    contract: Annotated[str | None, typer.Option(help="the contract that they are under")] = None,
    purpose: Annotated[str | None, typer.Option(help="the purpose that the grant names")] = None,
    since: Annotated[
        str | None, typer.Option(help="that happened from this time on (RFC 3339; without an offset: WIB)")
    ] = None,
    until: Annotated[str | None, typer.Option(help="that happened before this time")] = None,
    limit: Annotated[int, typer.Option(min=1, help="most lines; the newest come first")] = 100,
    export: Annotated[
        Path | None,
        typer.Option(help="write all of them to this file as NDJSON, with the events' positions; '-': print them"),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Show who received whose personal data, when, and under which grant; newest first. The action log tells that you asked.

    A person's disclosures then also tell that you searched for the person.

    Example: bus disclosures --client client_k3v5m2qa7xw4c6dnb5ty --since 2026-11-01 --until 2026-11-04 --export temuan.ndjson
    """
    person = sys.stdin.readline().strip() if subject == _STANDARD else subject
    moments = parse_moment(since), parse_moment(until)
    with open_workspace(data) as workspace:
        catalogue = Catalogue(workspace.storage, workspace.keys.pseudonym)
        catalogue.refresh()
        number = catalogue.number_of(contract) if contract is not None else None
        if contract is not None and number is None:
            raise NoSuchContract("There is no contract of this name; `bus contract list` shows the names.")
        wanted = Wanted(person, participant, client, number, purpose, *moments)
        log = DisclosureLog(workspace.storage, Persons(workspace.storage))
        # Before anything is shown.
        looks = Looks(ActionLog(workspace.storage), log)
        why = check_reason(reason) if reason else ""
        looks.note(wanted, identify_operator(Channel.CLI), export=export is not None, reason=why)
        found = _read(log, wanted, None if export else limit)
        if export is None:
            for one in found:
                told = to_document(one, catalogue)
                typer.echo(json.dumps(told).decode() if as_json else _write_row(told))
        else:
            _export(export, found, lambda one: write_line(one, catalogue))


def _read(log: DisclosureLog, wanted: Wanted, limit: int | None) -> Iterator[Found]:
    place = None
    while limit is None or limit > 0:
        asked = _PAGE if limit is None else min(limit, _PAGE)
        page = log.search(wanted, place, asked)
        yield from page
        if len(page) < asked:
            return
        place = page[-1].place
        limit = None if limit is None else limit - asked


def _export(path: Path, found: Iterator[Found], write: Callable[[Found], bytes]) -> None:
    if str(path) == _STANDARD:
        for one in found:
            sys.stdout.buffer.write(write(one))
        return
    part = path.with_name(f"{path.name}.part")
    try:
        # Who received whose data is nobody else's affair on this machine. Half an export must not look whole.
        with open(part, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            for one in found:
                file.write(write(one))
        os.replace(part, path)
    except OSError as error:
        raise typer.BadParameter(f"cannot write {path}: {error.strerror}") from None


def _write_row(told: dict[str, object]) -> str:
    receiver = " ".join(str(text) for text in (told["participant"], told["client_id"]) if text)
    times = f" ×{told['times']}" if told["times"] != 1 else ""
    fields = json.dumps(told["fields"]).decode()
    columns = [
        f"{told['at']}{times}",
        f"{receiver} by {told['channel']}",
        f"{told['contract']} {told['version']}",
        f"{told['events']} events",
        f"{told['purpose']} ({told['legal_basis']})",
        fields,
    ]
    # A terminal obeys control characters, and a contract's texts are other people's.
    return "\t".join(make_printable(column, 2000) for column in columns)
