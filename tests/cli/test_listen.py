"""`bus listen`: what arrives is shown or handed on, and nothing is left behind."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from tests.a_bus import Bus
from tests.a_dev_bus import BUS, DevBus, a_dev_bus, strange_environment
from tests.builders import WARGA, a_document, a_grant, a_nik
from tests.cli.a_command import Commands
from tests.services.waiting import until

CONTRACT = "layanan.katalog"
SERVICE = {
    "kode_layanan": "dinas-kominfo.coba",
    "nama": "Coba",
    "opd": "dinas-kominfo",
    "deskripsi": "Hanya coba-coba.",
    "sasaran": "umum",
    "biaya": 0,
    "kanal": [{"jenis": "loket"}],
    "status": "aktif",
}


@dataclass
class Listening:
    """A `bus listen` and what it printed."""

    process: "subprocess.Popen[bytes]"
    output: Path

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def shows(self, *texts: str) -> None:
        """Wait until it printed them."""
        until(lambda: all(text in self.printed for text in texts) or self.process.poll() is not None, 60)
        assert all(text in self.printed for text in texts), self.printed

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@dataclass
class Office:
    """An app of the development bus."""

    dev: DevBus
    http: httpx.Client

    def publish(self, id: str) -> None:
        event = {"specversion": "1.0", "id": id, "source": "/coba", "type": CONTRACT, "data": SERVICE}
        kind = {"content-type": "application/cloudevents+json"}
        self.http.post("/v1/events", content=json.dumps(event), headers=kind).raise_for_status()

    def sinks(self) -> list[str]:
        found = self.http.get("/v1/subscriptions").raise_for_status().json()["subscriptions"]
        return [one["sink"]["url"] for one in found]


@contextmanager
def a_listener(folder: Path, environment: dict[str, str], *arguments: str) -> Iterator[Listening]:
    output = folder / "listened"
    with output.open("wb") as file:
        process = subprocess.Popen([*BUS, "listen", *arguments], env=environment, stdout=file, stderr=file)
    try:
        yield Listening(process, output)
    finally:
        process.kill()
        process.wait(30)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with a_dev_bus(tmp_path_factory.mktemp("dev")) as dev:
        known = dev.environment()
        with httpx.Client(base_url=known["BUS_URL"], timeout=30) as http:
            pair = (known["BUS_CLIENT_ID"], known["BUS_CLIENT_SECRET"])
            token = http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=pair).json()
            http.headers["authorization"] = f"Bearer {token['access_token']}"
            yield Office(dev, http)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_comes_is_shown_and_the_subscription_taken_away(
    office: Office, tmp_path: Path, number: signal.Signals
) -> None:
    with a_listener(tmp_path, office.dev.environment(), CONTRACT) as listening:
        listening.shows("listening")
        office.publish(f"shown-{number}")
        listening.shows(f"(/coba shown-{number})", '"deskripsi": "Hanya coba-coba."')
        assert len(office.sinks()) == 1
        assert listening.end(number) == 0
        assert "took the subscription away" in listening.printed
    assert office.sinks() == []


def test_a_killed_listener_leaves_nothing_for_long(office: Office, tmp_path: Path) -> None:
    with a_listener(tmp_path, office.dev.environment(), CONTRACT) as listening:
        listening.shows("listening")
        listening.end(signal.SIGKILL)
    (left,) = office.sinks()
    with a_listener(tmp_path, office.dev.environment(), CONTRACT) as listening:
        listening.shows("took the subscription away", "listening")
        assert left not in office.sinks()
        listening.end()


def test_a_listener_whose_output_is_closed_ends_and_leaves_nothing(office: Office) -> None:
    line = f"{' '.join(BUS)} listen {CONTRACT} | head -1"
    with subprocess.Popen(["bash", "-c", line], env=office.dev.environment(), stdout=subprocess.PIPE) as piped:
        assert piped.stdout is not None
        assert b"listening" in piped.stdout.readline()
        office.publish("for-nobody")
        assert piped.wait(60) == 0
    assert office.sinks() == []


class App:
    """An app with a webhook. It takes an event at the second try."""

    def __init__(self, secret: str) -> None:
        self._webhook = Webhook(secret)
        self.taken: list[tuple[str, Any]] = []
        self._tried: set[str] = set()

    async def handle(self, request: web.Request) -> web.Response:
        event = self._webhook.verify(await request.text(), dict(request.headers))
        if event["id"] not in self._tried:
            self._tried.add(event["id"])
            return web.Response(status=401, text="coba lagi\x1b[2J")
        self.taken.append((request.headers["webhook-id"], event))
        return web.Response(status=204)


def _application(app: App) -> web.Application:
    made = web.Application()
    made.router.add_post("/webhook", app.handle)
    return made


async def test_an_app_gets_events_as_the_bus_would_send_them(office: Office, tmp_path: Path) -> None:
    known = office.dev.environment()
    app = App(known["WEBHOOK_SECRET"])
    runner = web.AppRunner(_application(app))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
    try:
        with a_listener(tmp_path, known, CONTRACT, "--forward", url) as listening:
            await asyncio.to_thread(listening.shows, "listening")
            await asyncio.to_thread(office.publish, "forwarded-1")
            await asyncio.to_thread(
                listening.shows, "-> 401 Unauthorized coba lagi\\x1b[2J", "WEBHOOK_SECRET", "-> 204"
            )
            await asyncio.to_thread(listening.end)
            # Only --print shows the data as well.
            assert "deskripsi" not in listening.printed
    finally:
        await runner.cleanup()
    ((message, event),) = app.taken
    assert message
    assert (event["id"], event["data"]["nama"]) == ("forwarded-1", "Coba")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_bus_that_cannot_send_here_is_read_by_its_feed(bus: Bus, tmp_path: Path) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    await bus.publish({"nik": a_nik(1), "nama": "Sebelumnya"})
    bus.reader("bapenda")
    scopes = ("events.read", "subscriptions.manage")
    client, secret = bus.rooms.participants.add_client("bapenda", scopes, by=bus.operator)
    file = tmp_path / "client.json"
    file.write_text(json.dumps({"client_id": client.client_id, "client_secret": secret}))
    async with bus.served() as url:
        arguments = (WARGA, "--url", url, "--credentials", str(file))
        with a_listener(tmp_path, strange_environment(), *arguments) as listening:
            await asyncio.to_thread(listening.shows, "BUS_SINK_NETWORKS", "reading")
            await asyncio.to_thread(until, lambda: bus.rooms.tail.waiters)
            await bus.publish({"nik": a_nik(2), "nama": "Sesudahnya"})
            await asyncio.to_thread(listening.shows, "Sesudahnya")
            assert "Sebelumnya" not in listening.printed
            assert await asyncio.to_thread(listening.end) == 0


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    for name in set(os.environ) - strange_environment().keys():
        monkeypatch.delenv(name)
    return Commands(tmp_path, monkeypatch, capsys)


def test_a_missing_client_is_named(command: Commands) -> None:
    ran = command("listen", CONTRACT, "--url", "http://127.0.0.1:9")
    assert ran.code == 1
    assert "BUS_CLIENT_ID and BUS_CLIENT_SECRET are missing" in ran.err
    assert "BUS_URL" not in ran.err


@pytest.mark.parametrize("content", ["", "{", '["client_id"]', "BUS_CLIENT_ID=x"])
def test_a_file_without_a_client_is_refused(command: Commands, tmp_path: Path, content: str) -> None:
    (tmp_path / "client").write_text(content)
    ran = command("listen", CONTRACT, "--url", "http://127.0.0.1:9", "--credentials", tmp_path / "client")
    assert ran.code == 1
    assert "client" in ran.err.lower()


def test_a_bus_that_does_not_answer_is_told_so(command: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUS_CLIENT_ID", "client_x")
    monkeypatch.setenv("BUS_CLIENT_SECRET", "x")
    ran = command("listen", CONTRACT, "--url", "http://127.0.0.1:9")
    assert (ran.code, ran.err) == (1, "No bus answers at http://127.0.0.1:9; start it, or correct BUS_URL.\n")


def test_a_contract_that_does_not_exist_is_told_so(office: Office, command: Commands, tmp_path: Path) -> None:
    ran = command("listen", "tidak.ada", "--credentials", office.dev.folder / "dinas-kominfo.env")
    assert ran.code == 1
    assert "/contracts/0" in ran.err
    assert office.sinks() == []


def test_the_nearest_contract_of_a_misspelt_one_is_named(office: Office, command: Commands) -> None:
    ran = command("listen", "layanan.katalok", CONTRACT, "--credentials", office.dev.folder / "dinas-kominfo.env")
    assert ran.code == 1
    assert [line for line in ran.err.splitlines() if "do you mean" in line] == [
        f"there is no contract layanan.katalok; do you mean {CONTRACT}?"
    ]


def test_a_wrong_secret_is_told_so(office: Office, command: Commands, tmp_path: Path) -> None:
    url = office.dev.environment()["BUS_URL"]
    (tmp_path / "client").write_text(json.dumps({"client_id": "client_x", "client_secret": "x"}))
    ran = command("listen", CONTRACT, "--url", url, "--credentials", tmp_path / "client")
    assert ran.code == 1
    assert "BUS_CLIENT_SECRET" in ran.err
