"""A member sets a passkey by a link, signs out, and signs in with it: in Chromium, with its virtual authenticator."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bus.staff import LINK_PATH, Accounts, Role
from tests.an_actor import OPERATOR
from tests.services.running import a_bus

_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
_SECONDS = 60


class Page:
    """A page of Chromium, by its DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._count = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a method."""
        self._count += 1
        await self._socket.send_json({"id": self._count, "method": method, "params": parameters})
        while (message := await self._socket.receive_json()).get("id") != self._count:
            pass
        assert "error" not in message, message
        result: dict[str, Any] = message["result"]
        return result

    async def evaluate(self, script: str) -> Any:
        """The value of a script."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return answer["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until a script's value is true."""
        async with asyncio.timeout(_SECONDS):
            while not await self.evaluate(script):  # noqa: ASYNC110 - the page is in another process
                await asyncio.sleep(0.05)


@asynccontextmanager
async def a_page(folder: Path) -> AsyncIterator[Page]:
    """An empty page of a Chromium that ends with the test."""
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    process = subprocess.Popen(  # noqa: ASYNC220 - the start takes a moment
        [*command, f"--user-data-dir={folder}", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(_SECONDS):
            told = folder / "DevToolsActivePort"
            while not told.exists() or not told.read_text():  # noqa: ASYNC110 - Chromium writes it
                await asyncio.sleep(0.05)
        origin = f"http://127.0.0.1:{told.read_text().split()[0]}"
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{origin}/json") as answer:
                (address, *_) = [one["webSocketDebuggerUrl"] for one in await answer.json() if one["type"] == "page"]
            async with http.ws_connect(address, max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        process.terminate()
        process.wait()


@pytest.mark.timeout(240)
async def test_a_passkey_is_set_by_a_link_and_signs_in(tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("chromium is missing")
    data, profile = tmp_path / "bus", tmp_path / "profile"
    data.mkdir()
    profile.mkdir()
    with a_bus(data) as bus:
        bus.start()
        link = LINK_PATH + Accounts(bus.storage, bus.keys, 30).add("rini", Role.AUDITOR, None, OPERATOR)
        async with a_page(profile) as page:
            await page.call("WebAuthn.enable")
            await page.call("WebAuthn.addVirtualAuthenticator", options=_DEVICE)
            await page.call("Page.navigate", url=f"http://localhost:{bus.port}{link}")
            ready = "document.querySelector('form[data-kunci]')?.hidden === false"
            await page.until(ready)
            await page.evaluate("document.querySelector('form[data-kunci] [name=label]').value = 'laptop'")
            await page.evaluate("document.querySelector('form[data-kunci] button').click()")
            await page.until("location.pathname === '/konsol'")
            await page.evaluate("document.querySelector('form[action=\"/konsol/keluar\"] button').click()")
            await page.until(f"location.pathname === '/konsol/masuk' && {ready}")
            await page.evaluate("document.querySelector('form[data-kunci] button').click()")
            await page.until("location.pathname === '/konsol' && document.body.innerText.includes('rini')")
