"""The bell: other processes look at once at what one process changed. A broker that is away hurts nobody."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from bus.delivery.handover import BrokerAddress, ChangesBell, ring_once
from bus.identity.participants import Participants
from bus.process import Role, Wakeups, run_process
from bus.settings import load_settings
from bus.storage import open_storage
from samples.port import free_port
from tests import no_tls
from tests.an_actor import OPERATOR
from tests.forked import run_bus
from tests.services.agreements import PRODUCER, an_agreed_event, documents
from tests.services.fixtures import MakeBus
from tests.services.proxy import a_proxy
from tests.services.running import Bus, post
from tests.services.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq]

WITHIN = 1.0
"""Seconds in which every process enforces a change."""
NEW = "uji.baru"


class Ear:
    """Another process's bell: what it heard."""

    def __init__(self, address: BrokerAddress) -> None:
        self._rings = threading.Semaphore(0)
        self.bell = ChangesBell(address, self._rings.release)

    def hears(self, seconds: float = 10.0) -> bool:
        """Whether somebody rings in time."""
        return self._rings.acquire(timeout=seconds)


@contextmanager
def an_ear(address: BrokerAddress) -> Iterator[Ear]:
    """A bell that listens; what it is told at connecting is heard already."""
    ear = Ear(address)
    ear.bell.start()
    try:
        assert ear.hears()
        yield ear
    finally:
        ear.bell.stop()


@pytest.fixture
def ear(broker: BrokerAddress) -> Iterator[Ear]:
    with an_ear(broker) as ear:
        yield ear


def test_a_ring_is_heard_by_another_process(broker: BrokerAddress, ear: Ear) -> None:
    with an_ear(broker) as other:
        other.bell.ring()
        assert ear.hears()


def test_a_ring_without_a_broker_is_heard_where_it_was_rung() -> None:
    ear = Ear(BrokerAddress(f"amqp://127.0.0.1:{free_port()}//"))
    ear.bell.start()
    ear.bell.ring()
    ear.bell.stop()
    assert ear.hears(0)


def test_a_bell_whose_broker_was_away_rings_again(broker: BrokerAddress) -> None:
    server = make_url(broker.url)
    with a_proxy(server.host or "", server.port or 5672) as line:
        near = replace(broker, url=server.set(port=line.port).render_as_string(hide_password=False))
        with an_ear(near) as ear, an_ear(broker) as other:
            line.cut()
            line.restore()
            assert ear.hears()
            other.bell.ring()
            assert ear.hears()


def test_a_ring_where_nobody_listens_leaves_nothing_behind(broker: BrokerAddress) -> None:
    ring_once(broker)
    with broker.connect() as connection:
        exchange = broker.changes(connection.channel())
        with pytest.raises(connection.channel_errors):
            exchange.declare(passive=True)


def test_a_broker_that_says_nothing_holds_a_command_up_for_a_second() -> None:
    with _a_silent_server() as address:
        begun = time.monotonic()
        ring_once(address)
        assert time.monotonic() - begun < 3


def test_a_change_over_http_rings(database: str, broker: BrokerAddress, ear: Ear, make_bus: MakeBus) -> None:
    bus = make_bus(database, broker)
    bus.start("api")
    with _an_owner(bus) as owner:
        owner.post("/v1/contracts", json=_a_new_contract()).raise_for_status()
    assert ear.hears()


def test_a_command_rings(database: str, broker: BrokerAddress, ear: Ear, make_bus: MakeBus) -> None:
    bus = make_bus(database, broker)
    _revoke_by_command(bus, bus.credentials[0])
    assert ear.hears()


async def test_a_process_that_hears_looks_at_once(database: str, broker: BrokerAddress, make_bus: MakeBus) -> None:
    bus = make_bus(database, broker)
    wakeups, looks = Wakeups(), asyncio.Queue[float]()
    storage = open_storage(database, wakeups.changed)
    loop = asyncio.get_running_loop()

    @sa.event.listens_for(storage.database.engines[0], "before_cursor_execute")
    def noted(connection: object, cursor: object, statement: str, *more: object) -> None:
        if "FROM changes" in statement:
            loop.call_soon_threadsafe(looks.put_nowait, time.monotonic())

    settings = load_settings(data_dir=bus.data, broker_url=broker.url, broker_prefix=broker.prefix)
    with an_ear(broker) as other:
        async with run_process(settings, storage, bus.keys, "https://bus.lamongan.example", [Role.API], wakeups):
            # Between two looks that nobody asked for lies a quarter of a second.
            async with asyncio.timeout(30):
                while await _next_look_after(looks, other.bell.ring) > 0.2:
                    pass
    storage.close()


async def _next_look_after(looks: "asyncio.Queue[float]", ring: Callable[[], None]) -> float:
    before = await looks.get()
    ring()
    return await looks.get() - before


def test_a_change_in_one_process_is_enforced_in_another_within_a_second(
    database: str, broker: BrokerAddress, make_bus: MakeBus
) -> None:
    bus = make_bus(database, broker, public_url="https://bus.lamongan.example")
    here = bus.start("api").address
    bus.port = free_port()
    there = bus.start("api").address
    with _an_owner(bus) as owner, bus.client() as producer:
        owner.base_url, producer.base_url = httpx.URL(here), httpx.URL(there)
        _activate(owner)
        until(lambda: post(producer, an_agreed_event("baru", NEW)).status_code == 202, WITHIN)
        owner.delete(f"/v1/participants/{PRODUCER}/clients/{bus.credentials[0]}").raise_for_status()
        until(lambda: post(producer, an_agreed_event("lama", NEW)).status_code == 401, WITHIN)


def test_a_command_is_enforced_in_a_running_process_within_a_second(
    database: str, broker: BrokerAddress, make_bus: MakeBus
) -> None:
    bus = make_bus(database, broker)
    bus.start("api")
    with bus.client() as producer:
        assert post(producer, an_agreed_event("sebelum")).status_code == 202
        _revoke_by_command(bus, bus.credentials[0])
        until(lambda: post(producer, an_agreed_event("sesudah")).status_code == 401, WITHIN)


def _a_new_contract() -> dict[str, object]:
    return {**documents()[0], "contract": NEW}


@contextmanager
def _an_owner(bus: Bus) -> Iterator[httpx.Client]:
    """An HTTP client that may do all that these tests do, on the process at the bus's port."""
    scopes = ["contracts.write", "contracts.approve", "admin"]
    credentials = Participants(bus.storage).add_client(PRODUCER, scopes, by=OPERATOR)
    body = {"grant_type": "client_credentials"}
    answer = no_tls.post(f"{bus.address}/oauth/token", data=body, auth=(credentials[0].client_id, credentials[1]))
    token = answer.raise_for_status().json()["access_token"]
    with no_tls.Client(base_url=bus.address, headers={"authorization": f"Bearer {token}"}, timeout=30) as client:
        yield client


def _activate(owner: httpx.Client) -> None:
    owner.post("/v1/contracts", json=_a_new_contract()).raise_for_status()
    for move in ("propose", "activate"):
        owner.post(f"/v1/contracts/{NEW}/versions/1.0.0/{move}").raise_for_status()


def _revoke_by_command(bus: Bus, client: str) -> None:
    line = ("client", "revoke", PRODUCER, client, "--data", str(bus.data))
    run_bus(*line, environment=bus.environment).check_returncode()


@contextmanager
def _a_silent_server() -> Iterator[BrokerAddress]:
    """A server that takes connections and never answers."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        yield BrokerAddress(f"amqp://127.0.0.1:{listener.getsockname()[1]}//")
