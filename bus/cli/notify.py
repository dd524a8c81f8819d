"""`bus notify`: what people would be told, and whether messages reach them."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bus import clock
from bus.agencies import make_bindings
from bus.cli.terminal import say, say_json
from bus.cli.workspace import Workspace, find_settings, open_workspace
from bus.contracts import Catalogue
from bus.delivery import Names, Subscriptions
from bus.identity import read_contacts
from bus.mailbox import is_mailbox
from bus.notices import (
    FactReader,
    Letter,
    Notice,
    NotSent,
    Recipient,
    Sender,
    Way,
    find_recipients,
    list_ways,
    make_notices,
    make_senders,
    write_trial,
)
from bus.problem import Refused
from bus.settings import Settings
from bus.status import StatusReader

notify = typer.Typer(
    no_args_is_help=True, help="Notices: what people are told by mail or webhook, and whether it works."
)

Data = Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")]


class NobodyToTell(Refused):
    """No setting names a way or an address for notices; set BUS_SMTP_HOST and BUS_NOTICE_TO, or BUS_NOTICE_WEBHOOK."""

    slug = "nobody-to-tell"


@notify.command("test")
def try_ways(
    to: Annotated[str | None, typer.Option(help="mail address; absent: those of the operator, and the webhook")] = None,
    data: Data = None,
) -> None:
    """Send a message by each way, and say what each answered. Exits with 1 if one did not arrive.

    Call it with the settings of `bus serve`: it uses those that it gets.

    Example: bus notify test --to tik@bapenda.lamongan.go.id
    """
    if to is not None and not is_mailbox(to):
        raise typer.BadParameter("should be one mail address", param_hint="--to")
    settings = find_settings(data)
    recipients = _find_tested(settings, to)
    answers = asyncio.run(_send_all(settings, recipients))
    for recipient, answer in zip(recipients, answers, strict=True):
        failed = "" if isinstance(answer, str) else "NOT SENT: "
        say(f"{recipient.way.value} {recipient.address or 'of the operator'}: {failed}{answer}")
    if any(isinstance(answer, NotSent) for answer in answers):
        sys.exit(1)


@notify.command("list")
def list_notices(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="print each notice as JSON")] = False,
) -> None:
    """Show what stands now, and who is told of it. Nothing is sent.

    Example: bus notify list --json
    """
    with open_workspace(data) as workspace:
        notices = _read_notices(workspace)
        recipients = find_recipients(workspace.settings, read_contacts(workspace.storage))
    for notice in notices:
        told = [one.name for one in recipients if one.may_know(notice.participant)]
        if as_json:
            say_json(_describe(notice, told))
        else:
            say(notice.title)
            say(f"    {notice.do}")
            for act in filter(None, (notice.command, notice.call)):
                say(f"    {act}")
            say(f"    to: {'; '.join(told) or 'nobody'}")
    if not notices and not as_json:
        say("nothing stands", err=True)


def _find_tested(settings: Settings, to: str | None) -> Sequence[Recipient]:
    if to is None:
        recipients: Sequence[Recipient] = find_recipients(settings, {})
    else:
        recipients = [Recipient(Way.MAIL, to)] if Way.MAIL in list_ways(settings) else []
    if not recipients:
        raise NobodyToTell(
            "BUS_SMTP_HOST is not set, so no mail can be sent."
            if to
            else "No setting names anybody: set BUS_SMTP_HOST, BUS_NOTICE_FROM and BUS_NOTICE_TO, or BUS_NOTICE_WEBHOOK."
        )
    return recipients


async def _send_all(settings: Settings, recipients: Sequence[Recipient]) -> list[str | NotSent]:
    senders = make_senders(settings, Names())
    letter = write_trial(clock.now(), settings.public_url)
    try:
        return list(await asyncio.gather(*(_send(senders, letter, one) for one in recipients)))
    finally:
        for sender in senders.values():
            await sender.close()


async def _send(senders: Mapping[Way, Sender], letter: Letter, recipient: Recipient) -> str | NotSent:
    try:
        return await senders[recipient.way].send(letter, recipient)
    except NotSent as failure:
        return failure


def _read_notices(workspace: Workspace) -> list[Notice]:
    storage, settings = workspace.storage, workspace.settings
    catalogue = Catalogue(storage, workspace.keys.pseudonym, make_bindings(settings.adapters))
    catalogue.refresh()
    status = StatusReader(storage, Subscriptions(storage, workspace.keys), catalogue, settings.data_dir)
    return make_notices(FactReader(storage, status, catalogue, settings.backup_hours).read(clock.now()))


def _describe(notice: Notice, told: Sequence[str]) -> dict[str, Any]:
    return {
        "kind": notice.kind.value,
        "participant": notice.participant,
        "subject": notice.subject,
        "since": notice.since,
        "title": notice.title,
        "do": notice.do,
        "command": notice.command or None,
        "call": notice.call or None,
        "to": list(told),
    }
