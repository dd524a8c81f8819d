"""Every line of code in the clients' READMEs runs against the bus, with the package that the README names."""

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bus.delivery.signature import Signer, new_secret
from bus.identity.keys import Keys
from bus.storage import Storage
from samples.port import free_port
from tests import no_tls
from tests.a_bus import Bus
from tests.an_agency import AnAdapter, join
from tests.attacks.a_live_bus import a_live_bus
from tests.clients.a_client import CLIENTS, Installed
from tests.clients.test_bus import a_query
from tests.contracts.documents import ROOT, shipped
from tests.http.api.a_puller import a_puller
from tests.services.waiting import until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OFFICE = "dinas-kominfo"
HOOK = '{"type": "layanan.katalog", "data": {"nama": "Rekaan"}}'


@dataclass(frozen=True, slots=True)
class Guide:
    """A README, and how its code becomes a program."""

    folder: str
    language: str
    file: str
    ending: str

    @property
    def text(self) -> str:
        return (CLIENTS / self.folder / "README.md").read_text()

    @property
    def program(self) -> str:
        """All code of the README, and what calls its webhook twice."""
        blocks = re.findall(rf"```{self.language}\n(.*?)```", self.text, re.DOTALL)
        assert len(blocks) >= 8
        return "\n".join(blocks) + self.ending


PYTHON_END = """
import json
headers = json.loads(os.environ["HEADERS"])
assert receive(headers, os.environ["BODY"].encode()) == 204
assert receive(headers, b"{}") == 401
"""
JAVASCRIPT_END = """
const headers = JSON.parse(process.env.HEADERS);
if (receive(headers, process.env.BODY) !== 204 || receive(headers, "{}") !== 401) throw new Error("webhook");
"""
GUIDES = {
    "python": Guide("python", "python", "guide.py", PYTHON_END),
    "php": Guide("php", "php", "guide.php", ""),
    "javascript": Guide("javascript", "js", "guide.mjs", JAVASCRIPT_END),
}


@pytest.fixture
async def bus(storage: Storage, bus_keys: Keys, tmp_path: Path) -> AsyncIterator[Bus]:
    """A bus that delivers."""
    async with a_live_bus(storage, bus_keys, tmp_path) as live:
        yield live


@asynccontextmanager
async def an_office(bus: Bus) -> AsyncIterator[dict[str, str]]:
    """The environment of an office's app: the bus with the catalogue of services and a query, and the office's client."""
    join(bus, AnAdapter({"ditemukan": True}))
    bus.reader(OFFICE)
    catalogue = shipped(ROOT / "contracts" / "layanan" / "katalog.yaml")
    bus.rooms.catalogue.registrar.apply([catalogue], bus.operator)
    bus.apply(a_query(OFFICE, "kependudukan.cari-nik"))
    scopes = ("events.publish", "events.read", "queries.call", "subscriptions.manage")
    client, secret = bus.rooms.participants.add_client(OFFICE, scopes, by=bus.operator)
    key = new_secret()
    headers = Signer([key]).headers("msg_1", HOOK.encode(), datetime.now(UTC))
    quoted = ", ".join(f'"{name}": "{value}"' for name, value in headers.items())
    puller = await a_puller(bus, OFFICE, contracts=["layanan.katalog"])
    await puller.until_pending(0)
    async with bus.served() as url:
        yield {
            "BUS_URL": url,
            "BUS_CLIENT_ID": client.client_id,
            "BUS_CLIENT_SECRET": secret,
            "BUS_SUBSCRIPTION": puller.sub,
            "WEBHOOK_SECRET": key,
            "HEADERS": f"{{{quoted}}}",
            "BODY": HOOK,
        }


@pytest.mark.parametrize("installed", GUIDES, indirect=True)
async def test_every_line_of_a_readme_runs(bus: Bus, installed: Installed, request: pytest.FixtureRequest) -> None:
    guide = GUIDES[request.node.callspec.params["installed"]]
    assert installed.package.name in guide.text
    (installed.folder / guide.file).write_text(guide.program)
    for spool in installed.folder.glob("bus.spool*"):
        spool.unlink()
    async with an_office(bus) as environment:
        output = await asyncio.to_thread(_run, installed, guide.file, environment)
    assert output.count("/data/biaya") == 2, output


def _run(installed: Installed, file: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [*installed.program, file],
        cwd=installed.folder,
        env=os.environ | dict(installed.environment) | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("installed", ["php"], indirect=True)
async def test_the_php_lines_of_the_guide_run(bus: Bus, installed: Installed, tmp_path: Path) -> None:
    *_, block = re.findall(r"```php\n(.*?)```", (ROOT / "docs" / "apps.md").read_text(), re.DOTALL)
    (service,) = re.findall(r"\$service = \[.*?\];", GUIDES["php"].text, re.DOTALL)
    program = f"<?php require 'vendor/autoload.php'; chdir('{tmp_path}');\n{block}\n"
    program = program.replace("$bus = ", f"{service}\n$bus = ") + "echo $report->sent;"
    (installed.folder / "part.php").write_text(program)
    async with an_office(bus) as environment:
        assert await asyncio.to_thread(_run, installed, "part.php", environment) == "1"


@pytest.mark.parametrize("installed", ["php"], indirect=True)
def test_the_webhook_of_the_php_readme_answers(installed: Installed, database_url: str, tmp_path: Path) -> None:
    key = new_secret()
    beginning = re.findall(r"```php\n(<\?php.*?\n)\n\$bus", GUIDES["php"].text, re.DOTALL)[0]
    (block,) = re.findall(r"```php\n(function receive.*?)```", GUIDES["php"].text, re.DOTALL)
    (installed.folder / "webhook.php").write_text(f"{beginning}{block}\nhttp_response_code(receive());")
    address = f"127.0.0.1:{free_port()}"
    environment = os.environ | {"WEBHOOK_SECRET": key}
    server = subprocess.Popen(["php", "-q", "-S", address, "webhook.php"], cwd=installed.folder, env=environment)
    try:
        until(lambda: _answers(address))
        headers = Signer([key]).headers("msg_1", HOOK.encode(), datetime.now(UTC))
        assert no_tls.post(f"http://{address}", content=HOOK, headers=headers).status_code == 204
        assert no_tls.post(f"http://{address}", content="{}", headers=headers).status_code == 401
    finally:
        server.kill()
        server.wait()


def _answers(address: str) -> bool:
    try:
        return no_tls.get(f"http://{address}").status_code == 401
    except httpx.TransportError:
        return False
