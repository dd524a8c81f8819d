"""The sample apps' client: a token in time, and a refusal with the place of the mistake."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from structlog.testing import capture_logs

from samples.app import App
from samples.client import Bus, Refusal, Refused
from samples.offices import OFFICES, Mode
from samples.traffic import Item

ITEM = Item("a-1", "/contoh", "perizinan.izin", {"nomor_izin": "IZN-1"})
REFUSAL = {
    "title": "The data do not fit",
    "status": 422,
    "errors": [{"pointer": "/data/nib", "detail": "is required"}, {"pointer": "/data/status", "detail": "is required"}],
}


@dataclass
class Script:
    """What a stand-in for the bus answers to events, one after the other, and what it was asked.

    Attributes:
        token_seconds: the life of the tokens that it gives.
    """

    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=lambda: [(202, {"position": 1})])
    token_seconds: int = 600
    tokens: int = 0
    bodies: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        if path == "/oauth/token":
            self.tokens += 1
            token = f"token-{self.tokens}"
            return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.token_seconds}
        self.bodies.append((headers, body))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def a_bus(script: Script) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, document = script.answer(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            text = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test tells what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def publish(script: Script, *items: Item, mode: Mode = Mode.STRUCTURED) -> None:
    with a_bus(script) as address:
        async with Bus(address, "id", "secret") as bus:
            await bus.publish(items, mode)


async def test_a_token_that_ends_is_renewed_without_being_asked() -> None:
    script = Script(token_seconds=1)
    await publish(script, ITEM)
    assert script.bodies[0][0]["authorization"] == "Bearer token-2"


async def test_a_busy_bus_is_asked_again() -> None:
    script = Script(answers=[(503, {"title": "busy"}), (202, {"position": 1})])
    await publish(script, ITEM)
    assert script.bodies[0][1] == script.bodies[1][1]


async def test_nothing_of_an_event_is_logged_when_it_is_sent_again() -> None:
    with capture_logs() as logged:
        await publish(Script(answers=[(503, {"title": "busy"}), (202, {"position": 1})]), ITEM)
    assert logged
    assert "IZN-1" not in str(logged)


async def test_a_refusal_names_the_first_mistake() -> None:
    with pytest.raises(Refused) as caught:
        await publish(Script(answers=[(422, REFUSAL)]), ITEM)
    assert caught.value.refusal == Refusal(422, "The data do not fit", "/data/nib", "is required")


async def test_the_modes_of_cloudevents() -> None:
    scripts = {mode: Script() for mode in Mode}
    for mode, script in scripts.items():
        await publish(script, ITEM, mode=mode)
    headers, body = scripts[Mode.BINARY].bodies[0]
    assert (headers["ce-id"], headers["ce-type"], json.loads(body)) == ("a-1", "perizinan.izin", ITEM.data)
    headers, body = scripts[Mode.STRUCTURED].bodies[0]
    assert (headers["content-type"], json.loads(body)["data"]) == ("application/cloudevents+json", ITEM.data)
    headers, body = scripts[Mode.BATCH].bodies[0]
    assert headers["content-type"] == "application/cloudevents-batch+json"
    assert [event["id"] for event in json.loads(body)] == ["a-1"]


async def test_a_rehearsed_outage_of_an_agency_does_not_end_the_demo() -> None:
    script = Script(answers=[(502, {"title": "refuses the account"}), (200, {"ditemukan": True})])
    with a_bus(script) as address:
        async with Bus(address, "id", "secret") as bus:
            assert await App("dinkes", OFFICES["dinkes"], bus, pause=0.0).ask({}) == {"ditemukan": True}


async def test_a_demo_that_ends_by_itself_tells_that_an_agency_fails() -> None:
    with a_bus(Script(answers=[(502, {"title": "refuses the account"})])) as address:
        async with Bus(address, "id", "secret") as bus:
            with pytest.raises(Refused):
                await App("dinkes", OFFICES["dinkes"], bus, pause=None).ask({})
