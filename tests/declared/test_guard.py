"""Connections: to checked addresses alone, under the name that the document says, with a certificate if the agency wants one."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from bus.declared import DeclaredFactory, Mapper, Surroundings
from bus.declared.auth.kinds import make_tls_chooser
from bus.declared.document import Mtls
from bus.declared.guard import Guard, look_up
from bus.declared.vault import BoundSecret, Vault
from bus.heavy import Here
from bus.kit import DELIVERED, AgencyFault, Failure, get_tls_context
from bus.networks import Address
from bus.settings import SettingsWrong
from tests import no_tls
from tests.a_certificate import a_server_context
from tests.declared.a_declared_agency import a_declaration, an_event

LOOPBACK = (ipaddress.IPv4Network("127.0.0.0/8"),)
NAME = "badan.example"


@asynccontextmanager
async def a_server(context: ssl.SSLContext | None, heads: list[bytes]) -> AsyncIterator[int]:
    """A server that keeps the heads of requests and answers an empty object; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def dns(*addresses: str) -> object:
    async def resolve(host: str) -> Sequence[Address]:
        return [ipaddress.ip_address(address) for address in addresses]

    return resolve


def a_client(
    context: ssl.SSLContext, *addresses: str, allowed: Sequence[ipaddress.IPv4Network] = LOOPBACK
) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=Guard(allowed, lambda _: context, dns(*addresses)))  # type: ignore[arg-type]


async def test_the_certificate_is_that_of_the_name_and_not_of_the_address(tmp_path: Path):
    server, heads = a_server_context(tmp_path, NAME), list[bytes]()
    trusting = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    async with a_server(server, heads) as port, a_client(trusting, "127.0.0.1") as http:
        assert (await http.get(f"https://{NAME}:{port}/x")).json() == {}
        assert f"host: {NAME}:{port}".encode() in heads[0].lower()
        with pytest.raises(httpx.ConnectError):
            await http.get(f"https://lain.example:{port}/x")


@pytest.mark.parametrize("addresses", [("127.0.0.2", "127.0.0.1"), ("127.0.0.1", "127.0.0.2")])
async def test_an_address_that_does_not_answer_is_passed_by(addresses: tuple[str, str]):
    heads = list[bytes]()
    async with a_server(None, heads) as port, a_client(no_tls.NOBODY, *addresses) as http:
        assert (await http.get(f"http://{NAME}:{port}/x")).status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1"])
async def test_a_name_that_leads_inside_is_not_followed(address: str):
    async with a_client(no_tls.NOBODY, address, allowed=()) as http:
        with pytest.raises(AgencyFault, match="BUS_AGENCY_NETWORKS") as fault:
            await http.get(f"https://{NAME}/x")
    assert fault.value.failure is Failure.SINK_DOWN


async def test_plain_http_works_in_the_operator_s_networks_alone():
    async with a_client(no_tls.NOBODY, "8.8.8.8") as http:
        with pytest.raises(AgencyFault, match="plain http"):
            await http.get(f"http://{NAME}/x")


async def test_each_connection_s_address_is_checked_anew():
    answers, heads = [["127.0.0.1"], ["10.0.0.1"]], list[bytes]()

    async def rebind(host: str) -> Sequence[Address]:
        return [ipaddress.ip_address(one) for one in answers.pop(0)]

    async with (
        a_server(None, heads) as port,
        httpx.AsyncClient(transport=Guard(LOOPBACK, lambda _: no_tls.NOBODY, rebind)) as http,
    ):
        await http.get(f"http://{NAME}:{port}/x")
        with pytest.raises(AgencyFault):
            await http.get(f"http://{NAME}:{port}/x")
    assert len(heads) == 1


async def test_names_and_literal_addresses_are_looked_up():
    assert ipaddress.ip_address("127.0.0.1") in await look_up("localhost")
    assert await look_up("10.1.2.3") == [ipaddress.ip_address("10.1.2.3")]
    assert await look_up("tidak-ada.invalid") == []


async def test_a_client_certificate_is_shown_to_who_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    server, heads = a_server_context(tmp_path, "127.0.0.1"), list[bytes]()
    # The test's one certificate stands for both sides.
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(tmp_path / "cert.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    secrets = {"sertifikat": {"title": "Sertifikat"}, "kunci": {"title": "Kunci"}}
    auth = {"kind": "mtls", "certificate": "sertifikat", "key": "kunci"}
    async with a_server(server, heads) as port:
        document = a_declaration(
            servers=[{"name": "uji", "url": f"https://127.0.0.1:{port}"}], secrets=secrets, auth=[auth]
        )
        factory = DeclaredFactory(document, Surroundings(LOOPBACK, mapper=Mapper("badan", Here())))
        pem = {"sertifikat": (tmp_path / "cert.pem").read_text(), "kunci": (tmp_path / "key.pem").read_text()}
        hosts = {f"{name}_hosts": "127.0.0.1" for name in pem}
        adapter = factory.create(factory.settings.model_validate(pem | hosts))
        assert await adapter.deliver("kirim", [an_event({})]) == [DELIVERED]
        await adapter.close()
    with pytest.raises(SettingsWrong, match="in PEM") as wrong:
        factory.create(factory.settings.model_validate(pem | hosts | {"kunci": "rahasia"}))
    assert "rahasia" not in wrong.value.detail


@pytest.mark.parametrize(("bound", "is_shown"), [("badan.example", False), ("badan.example, token.example", True)])
def test_a_client_certificate_is_shown_to_bound_hosts_alone(tmp_path: Path, bound: str, is_shown: bool):
    a_server_context(tmp_path, "127.0.0.1")
    secrets = {
        name: BoundSecret(SecretStr((tmp_path / f"{file}.pem").read_text()), frozenset(bound.split(", ")))
        for name, file in (("sertifikat", "cert"), ("kunci", "key"))
    }
    auth = Mtls(kind="mtls", certificate="sertifikat", key="kunci")
    choose = make_tls_chooser([auth], "https://badan.example/api", Vault("badan", secrets))
    assert choose("badan.example") is choose("BADAN.example") is not get_tls_context()
    assert (choose("token.example") is choose("badan.example")) is is_shown
    assert (choose("token.example") is get_tls_context()) is not is_shown
