"""What stands in the environment of the process leads no request anywhere else, and adds nothing to it."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from bus.delivery.sinks.webhook import WebhookSink
from bus.kit import AdapterSettings, get_tls_context, make_http_client

BODY = b'{"nik":"3524000000000001"}'
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@dataclass
class AServer:
    """Remembers the heads of what came, and answers 200."""

    address: str = ""
    heads: list[str] = field(default_factory=list)


@asynccontextmanager
async def a_server() -> AsyncIterator[AServer]:
    server = AServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        server.heads.append(head.decode().lower())
        await reader.readexactly(len(BODY))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield server


@pytest.fixture
async def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AServer]:
    """A proxy that the environment names, and a .netrc with credentials for this machine."""
    (tmp_path / ".netrc").write_text("default login pembocor password rahasia\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with a_server() as trap:
        for name in VARIABLES:
            monkeypatch.setenv(name, trap.address)
        yield trap


async def test_an_adapter_goes_past_the_proxy_and_the_netrc_of_the_environment(trap: AServer):
    async with a_server() as agency, make_http_client(AdapterSettings(base_url=agency.address)) as http:
        assert (await http.post("/data", content=BODY)).status_code == 200
    assert trap.heads == []
    assert "authorization" not in agency.heads[0]


async def test_a_webhook_goes_past_the_proxy_and_the_netrc_of_the_environment(trap: AServer):
    async with a_server() as app:
        sink = WebhookSink([ipaddress.ip_network("127.0.0.0/8")])
        assert (await sink.send(app.address, BODY, {})).failure is None
        await sink.close()
    assert trap.heads == []
    assert "authorization" not in app.heads[0]


async def test_an_adapter_goes_through_the_proxy_that_its_setting_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "*")
    async with a_server() as proxy:
        settings = AdapterSettings(base_url="http://badan.example", proxy=proxy.address.replace("//", "//bus:kunci@"))
        async with make_http_client(settings) as http:
            assert (await http.post("/data", content=BODY)).status_code == 200
    assert proxy.heads[0].startswith("post http://badan.example/data ")
    assert "proxy-authorization: basic " in proxy.heads[0]
    assert "kunci" not in repr(settings)


@pytest.mark.parametrize(
    "proxy", ["", "badan.example:3128", "socks5://badan.example", "ftp://x", "http://a b", "http://"]
)
def test_a_proxy_that_is_no_address_stops_the_start(proxy: str):
    with pytest.raises(ValidationError):
        AdapterSettings(base_url="https://badan.example", proxy=proxy)


async def test_authorities_come_from_the_system_or_from_what_the_operator_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """SSL_CERT_FILE stays: it adds trust for adapters and webhooks alike, and sends nothing elsewhere."""
    of_system = get_tls_context()
    (tmp_path / "none.pem").write_text("")
    with monkeypatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        assert get_tls_context().cert_store_stats()["x509_ca"] == 0
    assert get_tls_context() is of_system


async def test_contexts_of_tls_are_made_once():
    def context(http: httpx.AsyncClient) -> object:
        return http._transport._pool._ssl_context  # type: ignore[attr-defined]

    settings = AdapterSettings(base_url="https://badan.example")
    async with make_http_client(settings) as one, make_http_client(settings) as other:
        assert context(one) is context(other) is get_tls_context()
    sinks = [WebhookSink([]) for _ in range(2)]
    assert {sink._https._ssl for sink in sinks} == {get_tls_context()}
    for sink in sinks:
        await sink.close()
