"""The JavaScript client in a page of another origin. Node plays the browser: it keeps the rules of CORS."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_grant
from tests.clients.a_client import Installed
from tests.clients.test_bus import SCHEMA

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.parametrize("installed", ["javascript"], indirect=True),
]

PAGE, OTHER = "https://data.example", "https://evil.example"
NIK = "3524010101900001"
NOT_FOR_BROWSERS = "ERR_PACKAGE_PATH_NOT_EXPORTED"


async def open_page(bus: Bus, installed: Installed, origin: str) -> tuple[object, list[str]]:
    """What a page of an origin gets: the answer, and what becomes of its imports of the spool and of webhooks."""
    bus.apply(a_document(a_grant(OWNER), schema=SCHEMA))
    bus.reader(OWNER)
    client, secret = bus.rooms.participants.add_client(OWNER, ("events.publish", "events.read"), by=bus.operator)
    page = shutil.copy(Path(__file__).parent / "programs" / "page.mjs", installed.folder)
    async with bus.opened(cors_origins=(PAGE,)) as (url, _):
        given = {"BUS_URL": url, "BUS_CLIENT_ID": client.client_id, "BUS_CLIENT_SECRET": secret}
        done = await asyncio.to_thread(
            subprocess.run,
            ["node", "--conditions=browser", page],
            cwd=installed.folder,
            env=os.environ | given | {"ORIGIN": origin, "CONTRACT": WARGA, "NIK": NIK},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    answer, *imports = done.stdout.splitlines()
    return json.loads(answer), imports


async def test_a_page_that_the_operator_names_uses_the_client(bus: Bus, installed: Installed) -> None:
    answer, imports = await open_page(bus, installed, PAGE)
    assert answer == {"position": 1, "subjects": [NIK]}
    assert imports == [NOT_FOR_BROWSERS, NOT_FOR_BROWSERS]


async def test_another_page_gets_nothing(bus: Bus, installed: Installed) -> None:
    answer, _ = await open_page(bus, installed, OTHER)
    assert answer == {"error": "Unreachable"}
