"""Somebody on the wire, between the bus and the servers that it calls: old TLS, a certificate of another name."""

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_server

import httpx
import pytest

from bus.delivery.handover import BrokerAddress
from bus.delivery.sinks.webhook import WebhookSink
from bus.kit import AdapterSettings, Failure, make_http_client
from bus.problem import Unavailable
from bus.storage import open_storage
from tests.a_certificate import a_server_context

HERE = "127.0.0.1"
NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)


@contextmanager
def a_server(context: ssl.SSLContext, *, of_postgres: bool = False) -> Iterator[tuple[int, list[bytes]]]:
    """A port that speaks TLS, and the first bytes of each connection that sent any after the handshake.

    Args:
        of_postgres: the client asks for TLS first, as PostgreSQL's protocol says.
    """
    heard: list[bytes] = []
    with create_server((HERE, 0)) as listener:
        threading.Thread(target=_listen, args=(listener, context, heard, of_postgres), daemon=True).start()
        yield listener.getsockname()[1], heard
        listener.shutdown(2)


def _listen(listener, context: ssl.SSLContext, heard: list[bytes], of_postgres: bool) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        if of_postgres:
            assert plain.recv(8) == SSL_REQUEST
            plain.sendall(b"S")
        with plain, suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            # PostgreSQL's client looks at the name after the handshake, and hangs up.
            if first := connection.recv(8):
                heard.append(first)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose `cert.pem` is an authority that this process trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    return tmp_path


def an_old_server_context(folder: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A server that speaks one old version of TLS alone, with a certificate that is in order."""
    context = a_server_context(folder, HERE)
    # OpenSSL's usual level has no ciphers for these versions.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version = context.maximum_version = version
    return context


def a_client_that_takes_anything(folder: Path, port: int) -> None:
    """Shows that the old server works: without it the tests below could not fail."""
    context = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with suppress(httpx.HTTPError), httpx.Client(verify=context, trust_env=False) as client:
        client.get(f"https://{HERE}:{port}")


def test_a_broker_with_a_certificate_of_another_host_gets_no_password(trusted: Path):
    with a_server(a_server_context(trusted, "broker.example")) as (port, heard):
        connection = BrokerAddress(f"amqps://bus:secret@{HERE}:{port}//").connect()
        with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
            connection.connect()
    assert heard == []


def test_a_broker_with_its_own_certificate_is_spoken_to(trusted: Path):
    with a_server(a_server_context(trusted, HERE)) as (port, heard):
        connection = BrokerAddress(f"amqps://bus:secret@{HERE}:{port}//").connect()
        with pytest.raises(OSError):  # noqa: PT011 - whatever it says when the server hangs up
            connection.connect()
    assert heard[0].startswith(b"AMQP")


@pytest.mark.parametrize(("name", "spoken_to"), [("db.example", False), (HERE, True)])
def test_a_database_is_spoken_to_with_its_own_certificate_alone(tmp_path: Path, name: str, spoken_to: bool):
    context = a_server_context(tmp_path, name)
    with a_server(context, of_postgres=True) as (port, heard):
        trust = f"sslmode=verify-full&sslrootcert={tmp_path / 'cert.pem'}&gssencmode=disable"
        storage = open_storage(f"postgresql://bus:secret@{HERE}:{port}/bus?{trust}")
        with pytest.raises(Unavailable), storage.read():
            pass
        storage.close()
    assert bool(heard) is spoken_to


@pytest.mark.parametrize("version", OLD, ids=lambda version: version.name)
async def test_a_webhook_is_not_sent_over_old_tls(trusted: Path, version: ssl.TLSVersion):
    with a_server(an_old_server_context(trusted, version)) as (port, heard):
        a_client_that_takes_anything(trusted, port)
        sink = WebhookSink(NETWORKS, timeout=5)
        assert heard == [b"GET / HT"]
        outcome = await sink.send(f"https://{HERE}:{port}/", b"{}", {})
        await sink.close()
    assert outcome.failure is Failure.SINK_DOWN
    assert heard == [b"GET / HT"]


@pytest.mark.parametrize("version", OLD, ids=lambda version: version.name)
async def test_an_agency_is_not_called_over_old_tls(trusted: Path, version: ssl.TLSVersion):
    with a_server(an_old_server_context(trusted, version)) as (port, heard):
        a_client_that_takes_anything(trusted, port)
        async with make_http_client(AdapterSettings(base_url=f"https://{HERE}:{port}")) as client:
            with pytest.raises(httpx.ConnectError, match="PROTOCOL"):
                await client.get("/")
    assert heard == [b"GET / HT"]
