"""`bus notify`: what stands, who would be told, and whether a message arrives."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus import json
from bus.cli.workspace import open_workspace
from bus.delivery import Subscriptions, Webhook, new_webhook_secret
from bus.notices.mail import MailServer as Server
from tests.a_mail_server import MailServer, a_mail_server
from tests.an_actor import OPERATOR
from tests.builders import a_new_subscription
from tests.cli.a_command import Commands, Ran, commands
from tests.services.receiver import a_receiver

TO = "bus@lamongan.example"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with a_mail_server() as made:
        yield made


@pytest.fixture
async def bus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: MailServer
) -> AsyncIterator[Commands]:
    """Commands whose notices go to a mail server."""
    given = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": server.port, "SMTP_SECURITY": "none", "NOTICE_TO": TO}
    for name, value in (given | {"NOTICE_FROM": "kabar@lamongan.example"}).items():
        monkeypatch.setenv(f"BUS_{name}", str(value))
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


async def call(bus: Commands, *arguments: str) -> Ran:
    """Run a command beside the mail server."""
    return await asyncio.to_thread(bus, *arguments)


async def test_a_test_says_what_each_way_answered(
    bus: Commands, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_receiver() as receiver:
        sink = receiver.sink("kabar")
        sink.secrets.append(new_webhook_secret())
        monkeypatch.setenv("BUS_NOTICE_WEBHOOK_SECRET", sink.secrets[0])
        monkeypatch.setenv("BUS_NOTICE_WEBHOOK", f"{sink.url}")
        said = await call(bus, "notify", "test")
        assert [one.event["data"]["test"] for one in sink.taken] == [True]
    assert said.code == 0
    assert said.out.splitlines() == [
        "webhook of the operator: status 204",
        f"mail {TO}: 2.0.0 Ok: queued as 1",
    ]
    assert "pesan uji" in server.to(TO)[0].get_content()


async def test_a_test_to_one_address_fails_where_the_server_refuses_it(bus: Commands, server: MailServer) -> None:
    assert (await call(bus, "notify", "test", "--to", "tik@bapenda.example")).code == 0
    server.refused["tik@bapenda.example"] = "550 no such user"
    said = await call(bus, "notify", "test", "--to", "tik@bapenda.example")
    assert (said.code, said.out) == (1, "mail tik@bapenda.example: NOT SENT: the mail server answered 550\n")
    assert [address for address, _ in server.taken] == ["tik@bapenda.example"]
    assert (await call(bus, "notify", "test", "--to", "tik")).code == 2


async def test_without_settings_nobody_can_be_told(bus: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUS_NOTICE_TO")
    monkeypatch.delenv("BUS_SMTP_HOST")
    for arguments in ((), ("--to", TO)):
        said = await call(bus, "notify", "test", *arguments)
        assert (said.code, "BUS_SMTP_HOST" in said.err) == (1, True)


async def test_what_stands_is_listed_with_who_is_told_and_nothing_is_sent(bus: Commands, server: MailServer) -> None:
    assert (await call(bus, "notify", "list")).err == "nothing stands\n"
    await call(bus, "participant", "add", "bapenda", "--kind", "app", "--contact", "tik@bapenda.example")
    with open_workspace(bus.folder / "data") as workspace:
        subscriptions = Subscriptions(workspace.storage, workspace.keys)
        made = subscriptions.add(a_new_subscription(sink=Webhook("https://bapenda.example/hook")), OPERATOR)
        subscriptions.disable(made, OPERATOR)
    lines = (await call(bus, "notify", "list")).out.splitlines()
    assert made.id in lines[0]
    assert lines[2] == f"    bus subscription resume {made.id}"
    assert lines[-1] == "    to: mail operator; mail bapenda"
    (shown,) = [json.loads(line) for line in (await call(bus, "notify", "list", "--json")).out.splitlines()]
    assert (shown["kind"], shown["subject"], shown["to"]) == (
        "subscription-disabled",
        made.id,
        ["mail operator", "mail bapenda"],
    )
    assert server.taken == []


def test_a_password_is_never_shown() -> None:
    assert "rahasia" not in repr(Server("mail.example", 0, "tls", "bus", "rahasia", TO))
