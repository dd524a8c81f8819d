"""A bus at an address: where commands find it, and what they make of answers that no bus gives."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from bus import remote
from bus.remote import (
    STREAMED,
    Access,
    AnswerTooLarge,
    BusAway,
    BusRefuses,
    NoCredentials,
    find_access,
    open_blocking_bus,
    read_answer,
)

pytestmark = pytest.mark.unit

URL = "http://bus.example"
ACCESS = Access(URL, "client_x", "rahasia")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BUS_URL", URL), ("BUS_CLIENT_ID", "client_x"), ("BUS_CLIENT_SECRET", "rahasia")):
        monkeypatch.setenv(name, value)


def test_a_value_that_a_file_leaves_empty_comes_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "bus.env"
    file.write_text("BUS_URL=\nexport BUS_CLIENT_SECRET='lain'\n")
    assert find_access(None, file) == Access(URL, "client_x", "lain")


@pytest.mark.parametrize("url", ["bus.example", "ftp://bus.example", "http://", "http://[", "http://bus.example:port"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(NoCredentials, match="BUS_URL"):
        find_access(url, None)


@pytest.mark.parametrize(
    "errors", [None, {"nik": ["wajib"]}, ["wajib"], [{"field": "nik"}], [{"pointer": "/nik"}]], ids=str
)
def test_a_refusal_that_no_bus_wrote_is_told_without_its_errors(errors: Any) -> None:
    with pytest.raises(BusRefuses, match="tidak boleh") as refusal:
        read_answer(httpx.Response(403, json={"detail": "tidak boleh", "errors": errors}))
    assert refusal.value.reason == "tidak boleh"


def _text(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text="<html>")


def _json(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=["ok"])


def _other(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"token": "t"})


@pytest.mark.parametrize("answer", [_text, _json, _other])
def test_a_server_that_gives_no_token_is_no_bus(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    with respx.mock() as server, open_blocking_bus(ACCESS) as bus:
        server.post(f"{URL}/oauth/token").mock(side_effect=answer)
        with pytest.raises(BusAway):
            bus.get("/v1/feeds/layanan.katalog")


class _Endless(httpx.SyncByteStream):
    """An answer without an end; it counts what was taken of it."""

    def __init__(self) -> None:
        self.parts = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.parts += 1
            yield b" " * 1024


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_without_an_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr(remote, "_MOST_BYTES", 10 * 1024)
    endless = _Endless()
    with respx.mock() as server, open_blocking_bus(ACCESS) as bus:
        server.post(f"{URL}/oauth/token").respond(json={"access_token": "t"})
        server.get(f"{URL}/v1/domains").mock(side_effect=lambda _: httpx.Response(status, stream=endless))
        with pytest.raises(AnswerTooLarge):
            bus.get("/v1/domains")
    assert endless.parts == 11


def test_a_packed_answer_that_nobody_asked_for_is_not_unpacked() -> None:
    with respx.mock() as server, open_blocking_bus(ACCESS) as bus:
        packed = server.post(f"{URL}/oauth/token").respond(headers={"content-encoding": "gzip"}, content=b"")
        with pytest.raises(AnswerTooLarge):
            bus.get("/v1/domains")
        assert packed.calls.last.request.headers["accept-encoding"] == "identity"


def test_a_stream_may_have_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_MOST_BYTES", 10)
    with respx.mock() as server, open_blocking_bus(ACCESS) as bus:
        server.get(f"{URL}/v1/records/a.b").respond(content=b"x" * 100)
        asked = bus.build_request("GET", "/v1/records/a.b", extensions=STREAMED)
        assert bus.send(asked, stream=True, auth=None).read() == b"x" * 100
