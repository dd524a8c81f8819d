"""A bus at an address: where commands find it, and what they make of answers that no bus gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from bus.remote import Access, BusAway, BusRefuses, NoCredentials, find_access, open_blocking_bus, read_answer

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
