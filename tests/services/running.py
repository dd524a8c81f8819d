"""A bus as its operator runs it: a data folder, and `bus serve` processes on it that a test starts, kills and stops."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bus.actions.actor import Actor
from bus.contracts.catalogue import Catalogue
from bus.contracts.document import parse_contract
from bus.delivery.deliveries import Deliveries, Delivery
from bus.delivery.handover import BrokerAddress
from bus.delivery.state import DeliveryState
from bus.delivery.subscription import NewSubscription, Subscription, Webhook
from bus.delivery.subscriptions import Subscriptions
from bus.identity.keys import Keys, create_keys, load_keys
from bus.identity.participants import Kind, Participants
from bus.storage import Storage, open_storage, upgrade
from samples.port import free_port
from tests import no_tls
from tests.an_actor import OPERATOR
from tests.forked import Forked
from tests.services.agreements import CONSUMERS, FACT, PRODUCER, documents
from tests.services.receiver import Sink
from tests.services.waiting import until

ALL_ROLES = "api,relay,worker,adapters"
_QUICK = {
    "BUS_SINK_NETWORKS": "127.0.0.0/8",
    "BUS_LEASE_SECONDS": "2",
    "BUS_SINK_TIMEOUT_SECONDS": "1",
    "BUS_RETRY_FIRST_SECONDS": "0.1",
    "BUS_RETRY_LONGEST_SECONDS": "0.5",
    "BUS_DRAIN_SECONDS": "5",
}
"""Settings under which leases and backoffs end while a test watches."""
_MEMORY = "memory://"
ITSELF = (sys.executable, "-P", "-m", "bus")


@dataclass
class Process:
    """One `bus serve`."""

    popen: "Forked | subprocess.Popen[bytes]"
    address: str
    log: Path

    def until_up(self) -> "Process":
        """Wait until it answers."""
        until(lambda: self._answers() or self.popen.poll() is not None, 60)
        assert self.popen.poll() is None, self.log.read_text()[-2000:]
        return self

    def until_ready(self) -> "Process":
        """Wait until it says that it can do its work."""
        until(lambda: self.readiness()["status"] == "ready")
        return self

    def readiness(self) -> dict[str, Any]:
        """What `/readyz` says, with its HTTP status as `code`."""
        answer = no_tls.get(f"{self.address}/readyz", timeout=10)
        return {**answer.json(), "code": answer.status_code}

    def kill(self) -> None:
        """End it as a power failure would."""
        self.popen.kill()
        self.popen.wait(10)

    def stop(self, seconds: float = 30.0) -> int:
        """Ask it to end, and give back its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(seconds)

    def _answers(self) -> bool:
        try:
            return no_tls.get(f"{self.address}/healthz", timeout=5).is_success
        except httpx.TransportError:
            return False


@dataclass
class Bus:
    """One bus; `start` processes for it."""

    data: Path
    storage: Storage
    keys: Keys
    broker: BrokerAddress | None
    credentials: tuple[str, str]
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    processes: list[Process] = field(default_factory=list)
    _token: str = ""

    @property
    def address(self) -> str:
        """Where the API is, over every restart."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, roles: str = ALL_ROLES, *options: str, folder: Path | None = None, **settings: str) -> Process:
        """Start a process and wait until it answers; settings are named without `BUS_`, in lower case."""
        process = self.launch(roles, *options, folder=folder, **settings)
        return process.until_up()

    def launch(self, roles: str = ALL_ROLES, *options: str, folder: Path | None = None, **settings: str) -> Process:
        """Start a process in a working directory."""
        port = self.port if "api" in roles else free_port()
        log = self.data / f"{roles.replace(',', '-')}.log"
        line = ["serve", "--data", str(self.data), "--port", str(port), "--roles", roles, *options]
        environment = {**self.environment, **{f"BUS_{name.upper()}": value for name, value in settings.items()}}
        popen: Forked | subprocess.Popen[bytes]
        if "--workers" in options:
            # It starts further processes as it was started itself.
            with log.open("ab") as written:
                popen = subprocess.Popen([*ITSELF, *line], env=environment, cwd=folder, stderr=written, stdout=written)
        else:
            popen = Forked(line, environment, log, folder=folder)
        process = Process(popen, f"http://127.0.0.1:{port}", log)
        self.processes.append(process)
        return process

    def subscribe(
        self, sink: Sink, *contracts: str, participant: str = CONSUMERS[0], by: Actor = OPERATOR, **more: Any
    ) -> Subscription:
        """A webhook subscription of a consumer, from the beginning."""
        orders = Subscriptions(self.storage, self.keys)
        made = orders.add(NewSubscription(participant, contracts or (FACT,), Webhook(sink.url), **more), by)
        sink.secrets.extend(made.secrets)
        return made

    @property
    def subscriptions(self) -> Subscriptions:
        """The subscriptions as the database has them now."""
        subscriptions = Subscriptions(self.storage, self.keys)
        subscriptions.refresh()
        return subscriptions

    def deliveries(self, subscription: Subscription, state: DeliveryState | None = None) -> list[Delivery]:
        """The deliveries of a subscription."""
        return Deliveries(self.storage).listed([subscription], state, (0, 0), 100_000)

    def client(self) -> httpx.Client:
        """An HTTP client of the producer."""
        if not self._token:
            asked = no_tls.post(
                f"{self.address}/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=self.credentials,
                timeout=30,
            )
            self._token = asked.raise_for_status().json()["access_token"]
        return no_tls.Client(base_url=self.address, headers={"authorization": f"Bearer {self._token}"}, timeout=30)

    def forget_token(self) -> None:
        """Have `client` ask for a new token."""
        self._token = ""

    def publish(self, *events: dict[str, Any]) -> list[int]:
        """Publish events one by one, and give back their positions."""
        with self.client() as client:
            return [post(client, event).raise_for_status().json()["position"] for event in events]


def post(client: httpx.Client, event: dict[str, Any]) -> httpx.Response:
    """Publish one event."""
    return client.post("/v1/events", json=event, headers={"content-type": "application/cloudevents+json"})


def post_batch(client: httpx.Client, events: list[dict[str, Any]]) -> httpx.Response:
    """Publish events in one batch, all or none."""
    return client.post("/v1/events", json=events, headers={"content-type": "application/cloudevents-batch+json"})


@contextmanager
def a_bus(data: Path, database: str = "", broker: BrokerAddress | None = None, **settings: str) -> Iterator[Bus]:
    """A bus with the test's contracts, participants and one client of the producer; nothing runs yet.

    Args:
        database: URL; empty: a SQLite file in the data folder.
        settings: named without `BUS_`, in lower case.
    """
    create_keys(data / "keys")
    url = database or f"sqlite:///{data / 'bus.db'}"
    storage = open_storage(url)
    upgrade(storage)
    given = {f"BUS_{name.upper()}": value for name, value in settings.items()}
    addresses = {"BUS_DATABASE_URL": url, "BUS_BROKER_URL": broker.url if broker else _MEMORY}
    if broker:
        addresses["BUS_BROKER_PREFIX"] = broker.prefix
    keys = load_keys(data / "keys")
    bus = Bus(data, storage, keys, broker, _furnish(storage, keys), {**os.environ, **_QUICK, **addresses, **given})
    try:
        yield bus
    finally:
        for process in bus.processes:
            process.kill()
        storage.close()


def _furnish(storage: Storage, keys: Keys) -> tuple[str, str]:
    participants = Participants(storage)
    for name in (PRODUCER, *CONSUMERS):
        participants.add(name, name, Kind.APP, OPERATOR)
    Catalogue(storage, keys.pseudonym).registrar.apply([parse_contract(document) for document in documents()], OPERATOR)
    client, secret = participants.add_client(PRODUCER, ["events.publish", "events.read"], by=OPERATOR)
    return client.client_id, secret
