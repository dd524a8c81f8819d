"""What operators look at: it can be kept from the public; pages run no script but their own."""

import gc
import weakref
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bus.http.edge import Edge, create_edge, create_operation, create_watch
from bus.http.health import Health
from bus.http.page import Reading
from bus.identity import Tokens
from tests import no_tls
from tests.a_bus import ADDRESS, Bus
from tests.builders import WARGA, a_document, a_grant, a_nik

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""No test here asks the database anything that other tests do not ask of both."""


ISSUER = "https://bus-lain.lamongan.example"
PATHS = ("/metrics", "/docs", "/openapi.json")


def an_edge(bus: Bus, **settings: Any) -> Edge:
    """The edge of a bus with other settings."""
    changed = bus.rooms.settings.model_copy(update=settings)
    return create_edge(replace(bus.rooms, settings=changed), Health({}))


async def statuses(edge: Edge, **headers: str) -> list[int]:
    async with a_client(edge) as client:
        return [(await client.get(path, headers=headers)).status_code for path in PATHS]


def a_client(edge: Edge) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url=ADDRESS)


async def test_metrics_and_docs_are_open_without_a_setting(bus: Bus):
    assert await statuses(bus.edge) == [200, 200, 200]


async def test_an_edge_that_nobody_needs_leaves_the_memory(bus: Bus):
    edge = an_edge(bus)
    assert await statuses(edge) == [200, 200, 200]
    known = weakref.ref(edge)
    del edge
    gc.collect()
    assert known() is None


async def test_two_edges_of_a_process_keep_their_own_documents(bus: Bus):
    other = create_edge(replace(bus.rooms, tokens=Tokens(bus.rooms.keys, ISSUER, bus.rooms.storage)), Health({}))
    servers = []
    for edge in (bus.edge, other):
        async with a_client(edge) as client:
            servers.append((await client.get("/openapi.json")).json()["servers"][0]["url"])
    assert servers == [ADDRESS, ISSUER]


async def test_metrics_and_docs_ask_for_the_scope_that_a_setting_names(bus: Bus):
    edge = an_edge(bus, operation_scope="admin")
    assert await statuses(edge) == [401, 401, 401]
    assert await statuses(edge, authorization=bus.token("bapenda", "events.read")) == [403, 403, 403]
    assert await statuses(edge, authorization=bus.token("dinas-kominfo", "admin")) == [200, 200, 200]
    async with a_client(edge) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_metrics_and_docs_are_at_an_address_of_their_own_if_a_setting_names_one(bus: Bus):
    edge = an_edge(bus, operation_address="127.0.0.1:9090")
    assert await statuses(edge) == [404, 404, 404]
    own = create_operation(bus.rooms, Health({}), edge)
    assert await statuses(own) == [200, 200, 200]
    async with a_client(own) as client:
        assert "/v1/feeds/{contract}" in (await client.get("/openapi.json")).json()["paths"]
        assert (await client.get("/v1/contracts")).status_code == 404


async def test_a_process_without_the_api_has_metrics_and_no_docs(bus: Bus):
    assert await statuses(create_watch(bus.rooms, Health({}))) == [200, 404, 404]


@pytest.fixture
async def pages(bus: Bus) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """A bus that is reached by https, and one that is not, over real connections."""
    async with (
        bus.opened(public_url=ADDRESS) as (secure, _),
        bus.opened() as (plain, _),
        no_tls.AsyncClient(base_url=secure) as one,
        no_tls.AsyncClient(base_url=plain) as other,
    ):
        yield one, other


async def test_every_answer_keeps_browsers_from_guessing_from_plain_http_and_from_telling_where_they_were(
    pages: tuple[httpx.AsyncClient, httpx.AsyncClient],
):
    secure, plain = pages
    for path in ("/healthz", "/docs", "/v1/contracts", "/nowhere"):
        answer = await secure.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert "strict-transport-security" not in (await plain.get(path)).headers


async def test_a_path_with_a_key_is_in_no_log_line(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    bus.apply(a_document(a_grant("bapenda")))
    headers, key = {"authorization": bus.token("bapenda")}, a_nik(1)

    def broken(*_: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(Reading, "__init__", broken)
    with capture_logs() as logged:
        async with bus.served() as address, no_tls.AsyncClient(base_url=address, headers=headers) as client:
            answer = await client.get(f"/v1/records/{WARGA}/{key}")
            assert (await client.get(f"/v1/records/{WARGA}?{key}={key}")).status_code == 400
    assert answer.status_code == 500
    assert "/v1/records/{contract}/{key:path}" in {line.get("route") for line in logged}
    assert key not in str(logged)
